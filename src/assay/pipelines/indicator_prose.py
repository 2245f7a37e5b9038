"""What the pages on indicators say in words: how each family is read, and what to beware of."""

from __future__ import annotations

PROSE = {
    "trend": """
The averages say where the price has been lately and lag behind it: what they weigh is (n - 1) / 2 bars old in the mean,
simple or exponential. The exponential one weighs the newest bar most, so it turns sooner, and lets go of an old bar
little by little where the simple one drops it at once. What they are used for is comparison: the close with its
average (`close_to_ema`), a fast average with a slow one (`macd`), the moves up with the moves down (`adx`). ADX says
how firm a trend is and not which way it goes; the two directional indices beside it do. The parabolic SAR is a stop
that follows the price and never steps back.

Averages of differently priced coins cannot be compared, and neither can MACD: it is a difference of prices. Use
`close_to_ema`, which is a fraction, where one model sees many coins.
""",
    "momentum": """
Rate of change, momentum and price momentum are one thing in three units: per cent, price, and fraction. The bounded
ones (RSI, stochastic, %R) set the last moves against those before: near an end of their range the price has moved one
way for most of the window. In a firm trend they stay there for long.

Where a bar is missing inside the window, the plain changes are NaN: a change over a hole is one over another time
span.
""",
    "volatility": """
Two kinds: bands in units of price around an average (Bollinger, Keltner, with the average true range as the
yardstick), and estimates of the standard deviation of returns, per bar and per year of 365 days, since these markets
do not close.

Of the estimates, `realised_volatility` looks at closes alone. The others look at the whole range of each bar and need
fewer bars for the same certainty: Parkinson takes high and low, Garman-Klass open and close as well (both take it
that the price has no drift and does not jump between bars), Yang-Zhang bears both. Bars of few trades show too small
a range, and all of these then come out too low.
""",
    "volume": """
On-balance volume, money flow and MFI set volume against the direction of the price; where price and volume part,
fewer stand behind the move. The volume-weighted average price is what those who traded paid on average: over the last
bars (`vwap`) or since the session began (`session_vwap`, midnight UTC if not told otherwise).

Taker pressure is the plainest of them: of what was traded, the share in which the buyer was in a hurry. Only
exchanges that publish it have it (Binance does); elsewhere it is NaN and nothing is put in its place. Volume is that
of one venue, in base units.
""",
    "levels": """
A pivot is a high above, or a low below, the `wing` bars on each side of it. It is known when the last of these
closes, and not before: a chart that draws a level back to its pivot shows what nobody knew then. Here a level begins
at the bar that confirmed it, and neither its price nor that moment is changed afterwards. A later turn within `width`
average true ranges is one more touch. What is below the close is support and what is above resistance, so a level
that the price breaks changes sides.

`support_since` and `resistance_since` tell when the level was confirmed, in microseconds since the epoch, for "how
old is it"; the picture leaves them out.
""",
    "returns": """
The log return is what models are fed: it adds up over time, and a rise and the fall that undoes it are of one size.
The cumulative return and the drawdown count from the first bar there is, so they differ between two histories of
different length. Compare them only where both begin at the same bar.
""",
    "transforms": """
These say nothing by themselves and make features of other things: `Over(Lag(3), Rsi(14))` is the RSI three bars ago,
`rolling_mean:24@volume` the mean volume of a day of hours. The moving sums are kept so that nothing drifts: after ten
million bars a mean is no less exact than after ten, and over equal values a deviation is exactly 0.
""",
    "calendar": """
Hours and weekdays as they are, and as sine and cosine: on a circle 23:00 and 0:00 are neighbours, as a model should
see them. Any time zone of the IANA database can be named; summer time is followed. A bar belongs to the hour at which
it opens. Sessions are the working hours of markets that do close; holidays are not known.
""",
    "reference": """
The reference is the close of another series, such as BTC-USDT, as it was known at the close of each bar: never later,
and at most one bar old. Shares of a market (`breadth:up_24:*-USDT`) and what is said of a coin (`dominance:BTC`) can
stand in its place. Feature sets name it, `Against(Beta(168), "ETH-USDT")` gives `beta_168_to_eth_usdt`, and so does
`--reference` of `assay features compute`. Steps of one set may each have a reference of their own. A chart shows one
series and does not offer these.

Breadth counts, at every bar, the coins that are traded then: one comes in with its first bars, and goes out when its
bars end or when a list of instruments that had come by then no longer has it. Of a coin that is traded at several
places the preferred one counts that has a value at that bar. Dominance divides by all coins that were known then.
""",
}
"""By family; Markdown, with links from the folder of the pages."""

AFTER = {
    "volatility": """
## GARCH

Every estimate above weighs the bars of a window; GARCH(1,1) says how the variance goes on from one bar to the next
and is fitted to the series: a surprise raises it, and it goes back to its long run. It is no Step of the registry,
since without a fit its coefficients say nothing of a market. `assay features garch BTC-USDT` and
`assay.garch_volatility` fit it again as time goes on, always on bars up to then, filter bar by bar in between, and
forecast the volatility of each bar to come with an interval for the price. It is fitted every 168 bars of the
calendar, counted from 1970 (of hours: every Thursday at 00:00 UTC), to the last 2,000 bars, unless told otherwise; so
a value does not depend on where the history begins, once there are so many bars before its fit. It needs the extra
`ml`, and at least 250 returns; one over a hole is left out. A chart offers it among the indicators of this family as
`garch`, with the interval of the price over the 24 bars to come, and shows the same numbers. See [`assay features
garch`](../cli.md#assay-features-garch).
""",
}
"""What stands below the Steps of a family: indicators that are none of the registry."""

{# Tickers, coins, rates and books: what the polled tables mean. Like klines.sql this uses nothing of dbt but its
   template language, so that as-of reads render the same text.

   The first answer of a slot counts: of several observations of one thing in one slot the one that was known first
   stands, the others are `is_repeated`. What is known later never changes what was known before, so that a polled
   table as of any moment is its rows with known_at up to that moment. #}

{# Why the numbers of a row that passed the parser are still not to be trusted; the first that holds. #}
{% macro polled_defect(price, low, high, tolerance, another='') -%}
    case
        when coalesce({{ price }}, 0) = 0 then 'no_price'
        when event_time < slot_at - interval 24 hours then 'stale'
        when event_time > known_at + interval 1 minute then 'from_the_future'
        {{ another }}
        when {{ price }} > {{ high }} * (1 + {{ tolerance }}) or {{ price }} < {{ low }} * (1 - {{ tolerance }})
            then 'outside_range'
    end
{%- endmacro %}

{# `tickers` names a relation shaped like silver.ticker_observations. #}
{% macro processed_tickers(tickers, venue) -%}
    select
        venue, market, venue_symbol, symbol, slot_at, event_time, open_time, open_price, high_price, low_price,
        last_price, last_quantity, previous_close_price, weighted_average_price, price_change, price_change_pct,
        bid_price, bid_quantity, ask_price, ask_quantity, volume, quote_volume, first_trade_id, last_trade_id,
        num_trades,
        {{ polled_defect(
            'last_price', 'low_price', 'high_price', '1e-9', another="when bid_price >= ask_price then 'crossed'"
        ) }} as defect,
        coalesce(greatest(last_price / open_price, open_price / last_price) > 2, false) as is_outlier,
        known_at, available_at, batch_id
    from {{ tickers }}
    where venue = '{{ venue }}' and not is_repeated
{%- endmacro %}

{# The same of a venue in rupees. `rates` names a relation shaped like silver.inr_usd_rates. A rate counts from when it
   was known; a day later it is too old. What stands for the dollar itself goes before what stands in for it. Prices of
   now are converted and not those of the day before, when the rate was another one. #}
{% macro processed_rupee_tickers(tickers, rates, venue) -%}
    with tickers as (
        select *, split_part(symbol, '-', 2) = 'INR' as is_in_rupees
        from ({{ processed_tickers(tickers, venue) }})
    ),

    rates as (
        select source, rate, rate_time, known_at
        from {{ rates }}
        qualify row_number() over (partition by source, known_at order by rate_time desc, slot_at desc) = 1
    ),

    dated as (
        select
            tickers.*,
            case
                when not is_in_rupees then null
                when of_dollar.rate_time >= tickers.known_at - interval 24 hours
                    then
                        struct_pack(
                            source := of_dollar.source, rate := of_dollar.rate, rate_time := of_dollar.rate_time
                        )
                when of_tether.rate_time >= tickers.known_at - interval 24 hours
                    then
                        struct_pack(
                            source := of_tether.source, rate := of_tether.rate, rate_time := of_tether.rate_time
                        )
            end as inr_usd
        from tickers
        asof left join (select * from rates where source = 'coingecko_usd') as of_dollar
            on tickers.known_at >= of_dollar.known_at
        asof left join (select * from rates where source = 'wazirx_usdt') as of_tether
            on tickers.known_at >= of_tether.known_at
    )

    select
        venue, market, venue_symbol, symbol, slot_at, event_time, open_price, high_price, low_price, last_price,
        bid_price, ask_price, volume,
        case when is_in_rupees then last_price end as last_price_inr,
        case when is_in_rupees then bid_price end as bid_price_inr,
        case when is_in_rupees then ask_price end as ask_price_inr,
        inr_usd.rate as inr_usd_rate, inr_usd.rate_time as inr_usd_rate_time, inr_usd.source as inr_usd_source,
        last_price / inr_usd.rate as last_price_usd,
        bid_price / inr_usd.rate as bid_price_usd,
        ask_price / inr_usd.rate as ask_price_usd,
        defect, is_outlier, known_at, available_at, batch_id
    from dated
{%- endmacro %}

{# `coins` names a relation shaped like silver.coin_observations. Its high and low of the day are rounded and some
   minutes behind its price. #}
{% macro processed_coins(coins) -%}
    select
        venue, coin_id, asset, asset || '-USD' as symbol, name, slot_at, event_time, price, market_cap,
        market_cap_rank, fully_diluted_valuation, total_volume, high_24h, low_24h, price_change_24h,
        price_change_24h_pct, market_cap_change_24h, market_cap_change_24h_pct, circulating_supply, total_supply,
        max_supply, all_time_high, all_time_high_change_pct, all_time_high_at, all_time_low,
        all_time_low_change_pct, all_time_low_at,
        {{ polled_defect('price', 'low_24h', 'high_24h', '0.01') }} as defect,
        coalesce(price_change_24h_pct > 100 or price_change_24h_pct < -50, false) as is_outlier,
        known_at, available_at, batch_id
    from {{ coins }}
    where quote = 'USD' and not is_repeated
{%- endmacro %}

{# Rupees to a dollar, a slot. `coingecko_usd`: the price of the same coins in rupees over that in dollars, the median of
   at least three whose two prices are at most five minutes apart; of several answers in one slot the two that were
   there first. `wazirx_usdt`: what a tether costs in rupees, which stands in for the dollar and is none. #}
{% macro inr_usd_rates(coins, tickers) -%}
    with pairs as (
        select
            in_dollars.slot_at,
            in_dollars.batch_id as usd_batch_id,
            in_rupees.batch_id as inr_batch_id,
            in_rupees.price / in_dollars.price as rate,
            greatest(in_dollars.event_time, in_rupees.event_time) as rate_time,
            greatest(in_dollars.known_at, in_rupees.known_at) as known_at
        from {{ coins }} as in_dollars
        inner join {{ coins }} as in_rupees using (venue, slot_at, coin_id)
        where
            in_dollars.quote = 'USD'
            and in_rupees.quote = 'INR'
            and in_dollars.price > 0
            and in_rupees.price > 0
            and abs(epoch_us(in_dollars.event_time) - epoch_us(in_rupees.event_time)) <= 300000000
    )

    select
        'coingecko_usd' as source, 'USD' as dollar, slot_at, max(rate_time) as rate_time, median(rate) as rate,
        count(*) as coins,
        (quantile_disc(rate, 0.75) - quantile_disc(rate, 0.25)) / median(rate) as relative_spread,
        max(known_at) as known_at
    from pairs
    group by slot_at, usd_batch_id, inr_batch_id
    having count(*) >= 3
    qualify
        row_number() over (
            partition by slot_at order by max(known_at), count(*) desc, usd_batch_id, inr_batch_id
        ) = 1

    union all by name

    select
        'wazirx_usdt' as source, 'USDT' as dollar, slot_at, coalesce(event_time, known_at) as rate_time,
        last_price as rate, known_at
    from {{ tickers }}
    where venue = 'wazirx' and symbol = 'USDT-INR' and last_price > 0 and not is_repeated
{%- endmacro %}

{# For every bar the last order book that was known when the bar closed: never one from its future. #}
{% macro kline_order_books(klines, books) -%}
    with books as (
        select *
        from {{ books }}
        qualify
            row_number() over (
                partition by venue, market, symbol, known_at order by last_update_id desc, depth_limit desc, batch_id
            ) = 1
    )

    select
        klines.venue, klines.market, klines.symbol, klines.interval, klines.open_time, klines.close_time,
        books.known_at as book_known_at,
        (epoch_us(klines.close_time) - epoch_us(books.known_at)) / 1e6 as book_age_s,
        books.best_bid, books.best_ask, books.mid, books.spread, books.spread_bps, books.bid_depth, books.ask_depth,
        books.batch_id as book_batch_id
    from {{ klines }} as klines
    asof left join books
        on klines.venue = books.venue
        and klines.market = books.market
        and klines.symbol = books.symbol
        and klines.close_time >= books.known_at
{%- endmacro %}

{# Every coin of the last 24 hours as it was seen last. `coins`, `binance` and `wazirx` name relations shaped like the
   processed tables. Tickers collide: the prices of an exchange go to the largest coin that has the name. #}
{% macro crypto_market(coins, binance, wazirx) -%}
    with newest as (
        select max(slot_at) as slot_at from {{ coins }}
    ),

    seen as (
        select
            coins.*,
            coins.slot_at = newest.slot_at as is_latest
        from {{ coins }} as coins, newest
        where coins.slot_at > newest.slot_at - interval 24 hours
        qualify row_number() over (partition by coins.coin_id order by coins.slot_at desc) = 1
    ),

    named as (
        select
            *,
            row_number() over (partition by asset order by market_cap_rank nulls last, coin_id) = 1 as is_largest
        from seen
    ),

    in_tether as (
        select binance.symbol, binance.last_price, coalesce(binance.event_time, binance.known_at) as price_time
        from {{ binance }} as binance, newest
        where
            binance.slot_at > newest.slot_at - interval 24 hours
            and binance.last_price is not null
            and split_part(binance.symbol, '-', 2) = 'USDT'
        qualify
            row_number() over (partition by binance.symbol order by binance.slot_at desc, binance.venue_symbol) = 1
    ),

    in_rupees as (
        select
            wazirx.symbol, wazirx.last_price_inr, wazirx.last_price_usd,
            coalesce(wazirx.event_time, wazirx.known_at) as price_time
        from {{ wazirx }} as wazirx, newest
        where wazirx.slot_at > newest.slot_at - interval 24 hours and wazirx.last_price_inr is not null
        qualify row_number() over (partition by wazirx.symbol order by wazirx.slot_at desc, wazirx.venue_symbol) = 1
    )

    select
        named.coin_id, named.asset, named.symbol, named.name, named.market_cap_rank, named.price,
        named.price_change_24h, named.price_change_24h_pct, named.market_cap, named.fully_diluted_valuation,
        named.total_volume, named.high_24h, named.low_24h, named.circulating_supply, named.total_supply,
        named.max_supply, named.all_time_high, named.all_time_high_change_pct, named.all_time_high_at,
        named.all_time_low, named.all_time_low_change_pct, named.all_time_low_at,
        in_tether.last_price as binance_price_usdt, in_tether.price_time as binance_price_time,
        in_rupees.last_price_inr as wazirx_price_inr, in_rupees.last_price_usd as wazirx_price_usd,
        in_rupees.price_time as wazirx_price_time,
        named.event_time as last_updated, named.slot_at, named.is_latest, named.defect, named.is_outlier,
        named.known_at
    from named
    left join in_tether on named.is_largest and in_tether.symbol = named.asset || '-USDT'
    left join in_rupees on named.is_largest and in_rupees.symbol = named.asset || '-INR'
{%- endmacro %}

{# What was said last of each payment, known from when that was said first. `observations` names a relation shaped like
   silver.funding_observations. #}
{% macro funding_rates(observations) -%}
    select
        venue, market, symbol, venue_symbol, funding_time, funding_rate, mark_price,
        min(known_at) over same_value as known_at,
        min(available_at) over same_value as available_at
    from {{ observations }}
    window same_value as (
        partition by venue, market, venue_symbol, funding_time, funding_rate, mark_price
    )
    qualify
        row_number() over (
            partition by venue, market, venue_symbol, funding_time order by known_at desc, batch_id, row_number desc
        ) = 1
{%- endmacro %}

{# What was said last of each point, known from when that was said first. `observations` names a relation shaped like
   silver.coin_history_observations. #}
{% macro coin_history(observations) -%}
    select
        venue, coin_id, quote, event_time, price, market_cap, total_volume,
        min(known_at) over same_values as known_at,
        min(available_at) over same_values as available_at
    from {{ observations }}
    window same_values as (
        partition by venue, coin_id, quote, event_time, price, market_cap, total_volume
    )
    qualify
        row_number() over (
            partition by venue, coin_id, quote, event_time order by known_at desc, batch_id, row_number desc
        ) = 1
{%- endmacro %}

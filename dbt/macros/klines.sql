{# From observations of a bar to the bar: the one definition of what is current, used by the model
   silver.crypto_prices_cleaned and by every as-of read (assay.lake.reads renders this same file).

   Which observation of an open time is current: a finished one before a provisional one; then the one recorded
   last, where that is known (a live fetch, an import with --recorded-at), and one whose time of recording is unknown
   before any that is; then the most complete one: more volume, more trades. Neighbours in that order that say the same are one
   revision. The order looks at the content and never at the order of arrival, so that the same recordings
   imported in any order give the same lake. #}

{# The same number: equal to 1e-9, or not published by one of the two. #}
{% macro same_number(one, other) -%}
    ({{ one }} is null or {{ other }} is null
    or abs({{ one }} - {{ other }}) <= 1e-9 * greatest(abs({{ one }}), abs({{ other }})))
{%- endmacro %}

{# Quote volumes are published rounded to cents by some recorders: that is the same number, printed shorter. #}
{% macro same_quote_volume(one, other) -%}
    ({{ same_number(one, other) }} or {{ one }} = round({{ other }}, 2) or {{ other }} = round({{ one }}, 2))
{%- endmacro %}

{% macro kline_columns() -%}
    venue, market, symbol, interval, open_time
{%- endmacro %}

{# `observations` names a relation shaped like silver.kline_revisions. #}
{% macro current_klines(observations) -%}
    with observed as (
        select * from {{ observations }}
    ),

    -- Few bars, if any: nearly all have one observation, and go past all that follows.
    observed_again as (
        select {{ kline_columns() }} from observed group by {{ kline_columns() }} having count(*) > 1
    )

    select
        {{ kline_columns() }}, close_time, open, high, low, close, volume, quote_volume, num_trades,
        taker_buy_volume, taker_buy_quote_volume, known_at, available_at, 1 as revision,
        not is_provisional as is_closed
    from observed
    anti join observed_again using ({{ kline_columns() }})

    union all by name

    select
        {{ kline_columns() }}, close_time, open, high, low, close, volume, quote_volume, num_trades,
        taker_buy_volume, taker_buy_quote_volume, class_known_at as known_at, class_available_at as available_at,
        revision, is_closed
    from (
        select
            *,
            bool_or(not is_provisional) over one_revision as is_closed,
            coalesce(
                min(known_at) filter (where not is_provisional) over one_revision, min(known_at) over one_revision
            ) as class_known_at,
            coalesce(
                min(available_at) filter (where not is_provisional) over one_revision,
                min(available_at) over one_revision
            ) as class_available_at
        from (
            select
                *,
                sum(is_change) over (
                    partition by {{ kline_columns() }} order by position rows unbounded preceding
                )::integer as revision
            from (
                select
                    *,
                    row_number() over one_bar as position,
                    case
                        when lag(open) over one_bar is null then 1
                        {% for column in ['open', 'high', 'low', 'close', 'volume', 'num_trades', 'taker_buy_volume'] -%}
                        when not {{ same_number(column, 'lag(' ~ column ~ ') over one_bar') }} then 1
                        {% endfor -%}
                        {% for column in ['quote_volume', 'taker_buy_quote_volume'] -%}
                        when not {{ same_quote_volume(column, 'lag(' ~ column ~ ') over one_bar') }} then 1
                        {% endfor -%}
                        else 0
                    end as is_change
                from (
                    select * from observed
                    semi join observed_again using ({{ kline_columns() }})
                )
                window one_bar as (
                    partition by {{ kline_columns() }}
                    order by
                        is_provisional desc, recorded_at nulls first, volume, num_trades nulls first,
                        quote_volume nulls first, close, high, low, open, taker_buy_volume nulls first,
                        taker_buy_quote_volume nulls first, known_at, batch_id, row_number
                )
            )
        )
        window one_revision as (partition by {{ kline_columns() }}, revision)
    )
    qualify
        row_number() over (
            partition by {{ kline_columns() }}
            order by
                revision desc,
                (
                    (quote_volume is not null)::integer + (num_trades is not null)::integer
                    + (taker_buy_volume is not null)::integer + (taker_buy_quote_volume is not null)::integer
                ) desc,
                position desc
        ) = 1
{%- endmacro %}

{# `klines` names a relation shaped like the result of current_klines. A return is only from one finished bar to the
   next one; over a hole there is none. The outlier rule looks at the 168 bars before, at medians only, whose value
   does not depend on the order in which rows are summed. Bars that did not move do not count: in a thin market most do
   not, the median would be zero, and every move an outlier. #}
{% macro cleaned_klines(klines) -%}
    select
        venue, market, symbol, interval, open_time, close_time, open, high, low, close, volume, quote_volume,
        num_trades, taker_buy_volume, taker_buy_quote_volume, known_at, available_at, revision, is_closed,
        is_gap_before, missing_bars_before,
        coalesce(
            abs(log_return) > 10 * quantile_disc(nullif(abs(log_return), 0), 0.5) over window_before
            and count(nullif(log_return, 0)) over window_before >= 24,
            false
        ) as is_outlier,
        log_return, price_change_pct
    from (
        select
            *,
            coalesce(previous_close_time < open_time, false) as is_gap_before,
            case
                when previous_close_time is null or previous_close_time >= open_time then 0
                when interval = '1M' then date_diff('month', previous_close_time, open_time)
                else
                    (epoch_us(open_time) - epoch_us(previous_close_time))
                    // (epoch_us(close_time) - epoch_us(open_time))
            end as missing_bars_before,
            case when follows_closed then ln(close / previous_close) end as log_return,
            case when follows_closed then 100 * (close / previous_close - 1) end as price_change_pct
        from (
            select
                *,
                lag(close) over one_series as previous_close,
                lag(close_time) over one_series as previous_close_time,
                is_closed
                and lag(is_closed) over one_series
                and lag(close_time) over one_series = open_time as follows_closed
            from {{ klines }}
            window one_series as (partition by venue, market, symbol, interval order by open_time)
        )
    )
    window window_before as (
        partition by venue, market, symbol, interval
        order by open_time
        rows between 168 preceding and 1 preceding
    )
{%- endmacro %}

{# Days from bars: the one definition, used by gold.daily_crypto_metrics and by as-of reads. #}

{# Sums of integers: a parallel sum of floats differs in its last bits from run to run, one of integers does not.
   Values are counted in units of 1 / scale. Imports refuse volumes and notionals above 1e18, so that a day of seconds
   fits into 128 bits. #}
{% macro exact_sum(values, scale='1e15') -%}
    (sum(({{ values }} * {{ scale }})::hugeint) / {{ scale }})
{%- endmacro %}

{# `klines` names a relation shaped like silver.crypto_prices_cleaned. Of several intervals of one day the most
   complete one is taken, hourly bars first among equals. #}
{% macro daily_metrics(klines) -%}
    select
        venue, market, symbol, date, open, high, low, close, volume, quote_volume,
        -- Some recorders round quote volumes so much, or mean something else by the column, that no such price was paid.
        case
            when quote_volume / nullif(volume, 0) between low * (1 - 1e-3) and high * (1 + 1e-3)
                then quote_volume / nullif(volume, 0)
            when volume > 0 then greatest(low, least(high, typical_notional / volume))
        end as vwap,
        case
            when lag(date) over one_symbol = date - 1 then close / lag(close) over one_symbol - 1
        end as daily_return,
        volatility, bars, is_complete, interval as source_interval
    from (
        select
            *,
            bars = bars_of_day as is_complete
        from (
            select
                venue, market, symbol, interval, open_time::date as date,
                86400000000 // min(epoch_us(close_time) - epoch_us(open_time)) as bars_of_day,
                count(*) as bars,
                arg_min(open, open_time) as open,
                max(high) as high,
                min(low) as low,
                arg_max(close, open_time) as close,
                {{ exact_sum('volume') }} as volume,
                case when count(quote_volume) = count(*) then {{ exact_sum('quote_volume') }} end as quote_volume,
                {{ exact_sum('volume * (high + low + close) / 3') }} as typical_notional,
                -- sqrt of the sample variance, from exact sums of r and r * r
                case
                    when count(log_return) >= 2
                        then
                            sqrt(
                                greatest(
                                    {{ exact_sum('log_return * log_return', '1e18') }}
                                    - {{ exact_sum('log_return', '1e18') }} * {{ exact_sum('log_return', '1e18') }}
                                    / count(log_return),
                                    0
                                )
                                / (count(log_return) - 1)
                                * bars_of_day
                            )
                end as volatility
            from {{ klines }}
            where is_closed and interval not in ('3d', '1w', '1M')
            group by venue, market, symbol, interval, open_time::date
        )
        qualify
            row_number() over (
                partition by venue, market, symbol, date
                order by
                    bars / bars_of_day desc,
                    interval <> '1h',
                    bars_of_day desc
            ) = 1
    )
    window one_symbol as (partition by venue, market, symbol order by date)
{%- endmacro %}

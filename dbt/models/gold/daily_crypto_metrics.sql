{{
    config(
        materialized='incremental',
        incremental_strategy='zones',
        zone='days',
        meta={'zone': 'days'},
    )
}}

with klines as (
    select * from {{ ref('crypto_prices_cleaned') }} as seen
    where
        {{ zone_bounds('seen.open_time', since='from_time', margin='2 days') }}
        and {{ in_day_zone('seen', 'open_time', before=1) }}
),

daily as (
    {{ daily_metrics('klines') }}
)

select * from daily
where {{ in_day_zone('daily', 'date') }}
order by venue, market, symbol, date

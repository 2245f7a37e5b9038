{{
    config(
        materialized='incremental',
        incremental_strategy='zones',
        zone='bars',
        meta={'zone': 'bars'},
    )
}}

with observations as (
    select * from {{ ref('kline_revisions') }} as seen
    where {{ zone_bounds('seen.open_time') }} and {{ in_bar_zone('seen', since='read_from') }}
),

klines as (
    {{ current_klines('observations') }}
),

cleaned as (
    {{ cleaned_klines('klines') }}
)

select * from cleaned
where {{ in_bar_zone('cleaned') }}
order by venue, market, symbol, interval, open_time

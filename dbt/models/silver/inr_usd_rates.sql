{{
    config(
        materialized='incremental',
        incremental_strategy='slots',
        tags=['polled'],
        meta={'zone': 'slots', 'datasets': ['coin_markets', 'tickers']},
        post_hook="{{ note_taken_in(['coin_markets', 'tickers']) }}",
    )
}}

{%- set datasets = ['coin_markets', 'tickers'] %}

with coins as (
    select * from {{ slots_to_refresh(ref('coin_observations'), datasets) }}
),

tickers as (
    select * from {{ slots_to_refresh(ref('ticker_observations'), datasets) }}
),

rates as (
    {{ inr_usd_rates('coins', 'tickers') }}
)

select source, dollar, slot_at, rate_time, rate, coins, relative_spread, known_at
from rates
order by slot_at, source

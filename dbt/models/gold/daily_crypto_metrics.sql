{{
    config(
        materialized='incremental',
        incremental_strategy='zones',
        tags=['klines'],
        meta={'zone': 'days'},
    )
}}

with daily as (
    {{ daily_metrics(rows_to_refresh(ref('crypto_prices_cleaned'), 'days_read')) }}
)

select * from {{ rows_to_refresh('daily', 'days') }}
order by venue, market, symbol, date

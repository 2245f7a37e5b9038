{{
    config(
        materialized='incremental',
        incremental_strategy='zones',
        tags=['klines'],
        meta={'zone': 'bars'},
    )
}}

with klines as (
    {{ current_klines(rows_to_refresh(ref('kline_revisions'), 'bars_read')) }}
),

cleaned as (
    {{ cleaned_klines('klines') }}
)

select * from {{ rows_to_refresh('cleaned', 'bars') }}
order by {{ stored_order() }}

{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        tags=['klines'],
        meta={'zone': 'bars'},
        post_hook="{{ note_taken_in(['klines']) }}",
    )
}}

with received as (
    {{ bronze_rows(no_kline_rows(), ['klines']) }}
)

select
    venue, market, symbol, interval, open_time, close_time, open, high, low, close, volume, quote_volume,
    num_trades, taker_buy_volume, taker_buy_quote_volume, known_at, recorded_at, available_at, is_provisional,
    batch_id, row_number
from received
where defect is null
order by {{ stored_order() }}

{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        tags=['klines'],
        meta={'zone': 'batches'},
        post_hook="{{ note_taken_in(['klines']) }}",
    )
}}

with received as (
    {{ bronze_rows(no_kline_rows(), ['klines']) }}
)

select
    venue, market, symbol, interval, open_time, defect, source_close_time, open, high, low, close, volume,
    known_at, batch_id, row_number
from received
where defect is not null

union all by name

select
    venue, market, symbol, interval, open_time, 'close_time_mismatch' as defect, source_close_time, open, high, low,
    close, volume, known_at, batch_id, row_number
from received
-- Binance and most others print the last millisecond of the bar, some the first one after it.
where defect is null and source_close_time not between close_time - interval 1 second and close_time
order by venue, market, symbol, interval, open_time

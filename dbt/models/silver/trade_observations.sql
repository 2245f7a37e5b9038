{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        tags=['polled'],
        meta={'zone': 'slots'},
        post_hook="{{ note_taken_in(['trades']) }}",
    )
}}

with received as (
    {{ bronze_rows(no_trade_rows(), ['trades']) }}
)

select
    received.venue, received.market, received.symbol, received.venue_symbol,
    {{ slot_of('batches') }} as slot_at,
    received.event_time, received.aggregate_id, received.first_trade_id, received.last_trade_id, received.price,
    received.quantity, received.side, received.known_at, received.available_at, batches.endpoint, received.batch_id,
    received.row_number
from received
inner join {{ source('bronze', 'batches') }} as batches using (batch_id)
order by slot_at, venue, market, symbol, aggregate_id

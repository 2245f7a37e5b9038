{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        tags=['instruments'],
        meta={'zone': 'slots'},
        post_hook="{{ note_taken_in(['instruments']) }}",
    )
}}

with received as (
    {{ bronze_rows(no_instrument_rows(), ['instruments']) }}
)

select
    received.venue, received.market, received.venue_symbol, received.symbol, received.base, received.quote,
    {{ slot_of('batches') }} as slot_at,
    received.event_time, received.status, received.is_trading, received.tick_size, received.min_price,
    received.max_price, received.lot_size, received.min_quantity, received.max_quantity, received.min_notional,
    received.known_at, received.available_at, batches.endpoint, received.batch_id, received.row_number
from received
inner join {{ source('bronze', 'batches') }} as batches using (batch_id)
order by slot_at, venue, market, venue_symbol

{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        tags=['funding'],
        meta={'zone': 'slots'},
        post_hook="{{ note_taken_in(['funding_rates']) }}",
    )
}}

with received as (
    {{ bronze_rows(no_funding_rows(), ['funding_rates']) }}
)

select
    received.venue, received.market, received.symbol, received.venue_symbol,
    {{ slot_of('batches') }} as slot_at,
    received.funding_time, received.funding_rate, received.mark_price, received.known_at, received.available_at,
    batches.endpoint, received.batch_id, received.row_number
from received
inner join {{ source('bronze', 'batches') }} as batches using (batch_id)
order by venue, market, venue_symbol, funding_time, known_at

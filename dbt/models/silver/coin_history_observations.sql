{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        tags=['coin_history'],
        meta={'zone': 'slots'},
        post_hook="{{ note_taken_in(['coin_history']) }}",
    )
}}

with received as (
    {{ bronze_rows(no_coin_history_rows(), ['coin_history']) }}
)

select
    received.venue, received.coin_id, received.quote,
    {{ slot_of('batches') }} as slot_at,
    received.event_time, received.price, received.market_cap, received.total_volume, received.known_at,
    received.available_at, received.batch_id, received.row_number
from received
inner join {{ source('bronze', 'batches') }} as batches using (batch_id)
order by venue, coin_id, quote, event_time, known_at

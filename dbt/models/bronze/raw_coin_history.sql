{{ config(materialized='standing_view', tags=['coin_history']) }}

select
    event_time as timestamp, coin_id, quote, price, market_cap, total_volume, venue, slot_at, known_at, batch_id, row_number
from {{ ref('coin_history_observations') }}

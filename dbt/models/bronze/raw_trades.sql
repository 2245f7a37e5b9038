{{ config(materialized='standing_view', tags=['polled']) }}

select
    event_time as timestamp, symbol, price, quantity, side, aggregate_id, first_trade_id, last_trade_id, venue, market,
    venue_symbol, slot_at, known_at, endpoint, batch_id, row_number
from {{ ref('trade_observations') }}

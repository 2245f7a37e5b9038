{{ config(materialized='standing_view', tags=['funding']) }}

select
    funding_time as timestamp, symbol, funding_rate, mark_price, venue, market, venue_symbol, slot_at, known_at, endpoint,
    batch_id, row_number
from {{ ref('funding_observations') }}

{{ config(materialized='standing_view', tags=['polled']) }}

select
    event_time as timestamp, asset || '-' || quote as symbol, market_cap, circulating_supply, total_volume, price,
    coin_id, venue as source, slot_at, known_at, batch_id
from {{ ref('coin_observations') }}

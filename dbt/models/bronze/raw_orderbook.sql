{{ config(materialized='standing_view', tags=['polled']) }}

select
    known_at as timestamp,
    symbol,
    list_transform(list_zip(bid_prices, bid_quantities), lambda level: [level[1], level[2]]) as bids,
    list_transform(list_zip(ask_prices, ask_quantities), lambda level: [level[1], level[2]]) as asks,
    spread, venue, market, venue_symbol, last_update_id, depth_limit, slot_at, known_at, endpoint, batch_id
from {{ ref('order_books') }}

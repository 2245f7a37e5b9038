{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        tags=['polled'],
        meta={'zone': 'slots'},
        post_hook="{{ note_taken_in(['order_books']) }}",
    )
}}

with received as (
    {{ bronze_rows(no_order_book_rows(), ['order_books']) }}
),

topped as (
    select
        received.*,
        {{ slot_of('batches') }} as slot_at,
        batches.endpoint,
        bid_prices[1] as best_bid,
        bid_quantities[1] as best_bid_quantity,
        ask_prices[1] as best_ask,
        ask_quantities[1] as best_ask_quantity
    from received
    inner join {{ source('bronze', 'batches') }} as batches using (batch_id)
)

select
    venue, market, symbol, venue_symbol, slot_at, last_update_id, depth_limit, best_bid, best_bid_quantity, best_ask,
    best_ask_quantity,
    (best_bid + best_ask) / 2 as mid,
    best_ask - best_bid as spread,
    1e4 * (best_ask - best_bid) / ((best_bid + best_ask) / 2) as spread_bps,
    list_inner_product(bid_prices, bid_quantities) as bid_depth,
    list_inner_product(ask_prices, ask_quantities) as ask_depth,
    len(bid_prices) as bid_levels,
    len(ask_prices) as ask_levels,
    bid_prices, bid_quantities, ask_prices, ask_quantities, known_at, available_at, endpoint, batch_id, row_number
from topped
order by known_at, venue, market, symbol

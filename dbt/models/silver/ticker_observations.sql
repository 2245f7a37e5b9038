{{
    config(
        materialized='incremental',
        incremental_strategy='slots',
        tags=['polled'],
        meta={'zone': 'slots', 'datasets': ['tickers']},
        post_hook="{{ note_taken_in(['tickers']) }}",
    )
}}

with received as (
    {{ bronze_rows(no_ticker_rows(), ['tickers']) }}
),

dated as (
    select
        received.venue, received.market, received.venue_symbol, received.symbol,
        {{ slot_of('batches') }} as slot_at,
        received.event_time, received.open_time, received.open_price, received.high_price, received.low_price,
        received.last_price, received.last_quantity, received.previous_close_price, received.weighted_average_price,
        received.price_change, received.price_change_pct, received.bid_price, received.bid_quantity,
        received.ask_price, received.ask_quantity, received.volume, received.quote_volume, received.first_trade_id,
        received.last_trade_id, received.num_trades, received.known_at, received.available_at, batches.endpoint,
        received.batch_id, received.row_number
    from received
    inner join {{ source('bronze', 'batches') }} as batches using (batch_id)
),

touched as (
    {{ with_rows_of_touched_slots('dated', ['tickers']) }}
)

select
    *,
    row_number() over (
        partition by venue, market, venue_symbol, slot_at order by known_at, batch_id, row_number
    ) > 1 as is_repeated
from touched
order by slot_at, venue, market, venue_symbol

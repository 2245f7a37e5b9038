{{
    config(
        materialized='incremental',
        incremental_strategy='slots',
        tags=['polled'],
        meta={'zone': 'slots', 'datasets': ['coin_markets']},
        post_hook="{{ note_taken_in(['coin_markets']) }}",
    )
}}

with received as (
    {{ bronze_rows(no_coin_rows(), ['coin_markets']) }}
),

dated as (
    select
        received.venue, received.coin_id, received.asset, received.name, received.quote,
        {{ slot_of('batches') }} as slot_at,
        received.event_time, received.price, received.market_cap, received.market_cap_rank,
        received.fully_diluted_valuation, received.total_volume, received.high_24h, received.low_24h,
        received.price_change_24h, received.price_change_24h_pct, received.market_cap_change_24h,
        received.market_cap_change_24h_pct, received.circulating_supply, received.total_supply, received.max_supply,
        received.all_time_high, received.all_time_high_change_pct, received.all_time_high_at, received.all_time_low,
        received.all_time_low_change_pct, received.all_time_low_at, received.roi_times, received.roi_pct,
        received.roi_currency, received.known_at, received.available_at, batches.endpoint, received.batch_id,
        received.row_number
    from received
    inner join {{ source('bronze', 'batches') }} as batches using (batch_id)
),

touched as (
    {{ with_rows_of_touched_slots('dated', ['coin_markets']) }}
)

select
    *,
    row_number() over (
        partition by venue, coin_id, quote, slot_at order by known_at, batch_id, row_number
    ) > 1 as is_repeated
from touched
order by slot_at, venue, quote, coin_id

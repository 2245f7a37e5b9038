{{ config(materialized='standing_view', tags=['polled']) }}

{{ kline_order_books(ref('crypto_prices_cleaned'), ref('order_books')) }}

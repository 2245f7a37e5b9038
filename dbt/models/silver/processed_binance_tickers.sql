{{ config(materialized='standing_view', tags=['polled'], meta={'zone': 'slots'}) }}

{{ processed_tickers(ref('ticker_observations'), 'binance') }}

{{ config(materialized='standing_view', tags=['polled'], meta={'zone': 'slots'}) }}

{{ processed_rupee_tickers(ref('ticker_observations'), ref('inr_usd_rates'), 'wazirx') }}

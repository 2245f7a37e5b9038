{{ config(materialized='standing_view', tags=['coin_history'], meta={'zone': 'slots'}) }}

{{ coin_history(ref('coin_history_observations')) }}

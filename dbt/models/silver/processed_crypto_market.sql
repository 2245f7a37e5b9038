{{ config(materialized='standing_view', tags=['polled'], meta={'zone': 'slots'}) }}

{{ processed_coins(ref('coin_observations')) }}

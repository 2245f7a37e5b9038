{{ config(materialized='standing_view', tags=['funding'], meta={'zone': 'slots'}) }}

{{ funding_rates(ref('funding_observations')) }}

{{ config(materialized='standing_view', tags=['funding']) }}

{{ funding_rates(ref('funding_observations')) }}

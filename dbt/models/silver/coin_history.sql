{{ config(materialized='standing_view', tags=['coin_history']) }}

{{ coin_history(ref('coin_history_observations')) }}

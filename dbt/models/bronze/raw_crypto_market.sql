{{ config(materialized='standing_view', tags=['polled']) }}

select * exclude (is_repeated)
from {{ ref('coin_observations') }}

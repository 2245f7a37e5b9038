{{ config(materialized='standing_view', tags=['polled']) }}

select * exclude (is_repeated)
from {{ ref('ticker_observations') }}
where venue = 'wazirx'

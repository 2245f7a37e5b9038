{{ config(materialized='standing_view', tags=['klines']) }}

{%- set columns -%}
    open_time as timestamp, symbol, open, high, low, close, volume, venue as source_api, interval, market, known_at,
    batch_id, row_number
{%- endset %}

select {{ columns }}
from {{ ref('kline_revisions') }}

union all

-- Rows that bronze holds and silver does not.
select {{ columns }}
from {{ ref('kline_defects') }}
where defect in ('off_grid', 'identical_duplicate')

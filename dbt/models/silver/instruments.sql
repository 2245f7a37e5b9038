{{ config(materialized='incremental', incremental_strategy='everything', tags=['instruments']) }}

with instruments as (
    {{
        instruments(
            ref('instrument_revisions'),
            source('bronze', 'batches'),
            source('bronze', 'batch_ranges'),
            ref('asset_identities'),
        )
    }}
)

select * from instruments
order by venue, market, venue_symbol, endpoint, revision

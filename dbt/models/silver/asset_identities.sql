{{ config(materialized='standing_view', tags=['instruments']) }}

{{ asset_identities() }}

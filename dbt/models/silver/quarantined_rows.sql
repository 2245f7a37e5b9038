{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'zone': 'batches'},
        post_hook="{{ note_taken_in(none, only_quarantined=true) }}",
    )
}}

with received as (
    {{ bronze_rows(no_quarantined_rows(), none, folder='quarantine', only_quarantined=true) }}
)

select batch_id, venue, row_number, cause, raw, known_at
from received
order by batch_id, row_number

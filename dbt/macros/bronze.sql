{# Reading bronze: the files of the batches that a model has not taken in, and the note that it has. #}

{% macro batches_to_take_in(columns, only_quarantined=false) -%}
    select {{ columns }}
    from {{ source('bronze', 'batches') }}
    where dataset = 'klines'
    {% if only_quarantined %}and quarantined > 0{% endif %}
    {% if is_incremental() %}
        and batch_id not in (
            select batch_id from {{ source('refresh', 'taken_in') }} where model = '{{ this.identifier }}'
        )
    {% endif %}
{%- endmacro %}

{# The rows of those files; `empty` is a select of no rows that gives the columns their types. #}
{% macro bronze_rows(empty, folder='klines', only_quarantined=false) -%}
    {%- set paths = [] -%}
    {%- if execute -%}
        {%- set found = run_query(batches_to_take_in('path', only_quarantined) ~ ' order by path') -%}
        {%- for path in found.columns[0].values() -%}
            {%- set file = env_var('DBT_ASSAY_BRONZE') ~ '/' ~ folder ~ path[6:] -%}
            {%- do paths.append("'" ~ (file | replace("'", "''")) ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if paths -%}
        select * from read_parquet([{{ paths | join(', ') }}], hive_partitioning = false)
    {%- else -%}
        {{ empty }}
    {%- endif -%}
{%- endmacro %}

{# Runs inside the model's transaction: the rows and this note are there together, or neither is. #}
{% macro note_taken_in(only_quarantined=false) -%}
    {% if not is_incremental() %}
    delete from {{ source('refresh', 'taken_in') }} where model = '{{ this.identifier }}';
    {% endif %}
    insert into {{ source('refresh', 'taken_in') }}
    {{ batches_to_take_in("'" ~ this.identifier ~ "', batch_id", only_quarantined) }}
{%- endmacro %}

{% macro no_kline_rows() -%}
    select
        null::varchar as venue, null::varchar as market, null::varchar as symbol, null::varchar as interval,
        null::bigint as row_number, null::timestamptz as open_time, null::timestamptz as close_time,
        null::timestamptz as source_close_time,
        null::double as open, null::double as high, null::double as low, null::double as close,
        null::double as volume, null::double as quote_volume, null::bigint as num_trades,
        null::double as taker_buy_volume, null::double as taker_buy_quote_volume,
        null::timestamptz as known_at, null::timestamptz as recorded_at, null::timestamptz as available_at,
        null::boolean as is_provisional, null::varchar as defect, null::varchar as batch_id
    where false
{%- endmacro %}

{% macro no_quarantined_rows() -%}
    select
        null::varchar as batch_id, null::varchar as venue, null::bigint as row_number,
        null::varchar as cause, null::varchar as raw, null::timestamptz as known_at
    where false
{%- endmacro %}

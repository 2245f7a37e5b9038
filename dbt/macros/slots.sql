{# Polled tables are computed slot by slot. A slot is one turn of the schedule: its `slot_at` is the time that it was
   planned for, and what a venue answered in it is known somewhat later. A new batch touches its slot, and a refresh
   computes the touched slots again; nearly always they are new and there is nothing to replace. #}

{# An answer that no schedule asked for is a slot of its own. #}
{% macro slot_of(batch) -%}
    coalesce(try_cast(nullif({{ batch }}.slot, '') as timestamptz), {{ batch }}.known_at)
{%- endmacro %}

{# Constants around all slots that `batches` touch; the catalogue leaves files unread by constants only. #}
{% macro slot_limits(batches) -%}
    {%- set limits = [none, none] -%}
    {%- if execute -%}
        {%- set limits = run_query(
            "select min(slot_at)::varchar, max(slot_at)::varchar from (select " ~ slot_of('touching') ~ " as slot_at"
            ~ " from (" ~ batches ~ ") as touching)"
        ).rows[0] -%}
    {%- endif -%}
    {%- if limits[0] is none -%}
        false
    {%- else -%}
        slot_at between timestamptz '{{ limits[0] }}' and timestamptz '{{ limits[1] }}'
    {%- endif -%}
{%- endmacro %}

{% macro batches_that_touch(datasets) -%}
    {{ batches_to_take_in('batch_id, slot, known_at', datasets) }}
{%- endmacro %}

{# The rows of a polled table in the slots that new batches of the datasets touch; all, if the table is made anew. #}
{% macro slots_to_refresh(relation, datasets) -%}
    {%- if is_incremental() -%}
        (
            select polled.*
            from {{ relation }} as polled
            semi join (
                select {{ slot_of('touching') }} as slot_at
                from ({{ batches_that_touch(datasets) }}) as touching
            ) as touched using (slot_at)
            where {{ slot_limits(batches_that_touch(datasets)) }}
        )
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}

{# What was taken in before of the slots that are touched now, beside the rows of the new batches. #}
{% macro with_rows_of_touched_slots(received, datasets) -%}
    select * from {{ received }}
    {% if is_incremental() %}
    union all by name
    select * exclude (is_repeated) from {{ slots_to_refresh(this, datasets) }}
    {% endif %}
{%- endmacro %}

{# Incremental strategy "slots": in one transaction, drop the slots that the new rows are of, and put those there. #}
{% macro get_incremental_slots_sql(arguments) -%}
    {%- set columns = get_quoted_csv(arguments['dest_columns'] | map(attribute='name')) -%}
    {%- set datasets = config.get('meta')['datasets'] -%}
    delete from {{ arguments['target_relation'] }}
    where {{ slot_limits(batches_that_touch(datasets)) }}
        and slot_at in (select slot_at from {{ arguments['temp_relation'] }});

    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }};
{%- endmacro %}

{# Incremental strategy "everything": a small table whose every row may have changed. #}
{% macro get_incremental_everything_sql(arguments) -%}
    {%- set columns = get_quoted_csv(arguments['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arguments['target_relation'] }};

    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }};
{%- endmacro %}

{# Tests of polled tables look at the slots of the batches that are not published yet. #}
{% macro rows_of_unpublished_slots(relation) -%}
    {%- if flags.FULL_REFRESH -%}
        {{ relation }}
    {%- else -%}
        (
            select *
            from {{ relation }}
            where {{ slot_limits(
                "select slot, known_at from " ~ source('bronze', 'batches') ~ " where batch_id not in (select batch_id from "
                ~ source('refresh', 'published') ~ ")"
            ) }}
        )
    {%- endif -%}
{%- endmacro %}

{# Tests of what was set aside look at the batches that are not published yet. #}
{% macro rows_of_unpublished_batches(relation) -%}
    {%- if flags.FULL_REFRESH -%}
        {{ relation }}
    {%- else -%}
        (select * from {{ relation }} anti join {{ source('refresh', 'published') }} using (batch_id))
    {%- endif -%}
{%- endmacro %}

{# A view that is made once: its text changes only together with the definitions, and then everything is made anew. #}
{% materialization standing_view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- if load_cached_relation(this) is none or should_full_refresh() -%}
        {%- call statement('main') -%}
            create or replace view {{ target_relation }} as (
                {{ sql }}
            )
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- else -%}
        {%- do store_raw_result('main', message='KEPT', code='KEPT', rows_affected='0') -%}
    {%- endif -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

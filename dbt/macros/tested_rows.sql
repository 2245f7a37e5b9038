{# Which rows a test looks at, by the kind of zone that its table is written in. Tables of bars, days and slots are
   written by dbt (zones.sql, slots.sql); prices and forecasts are written by Python, before and after dbt's runs. #}
{% macro rows_to_test(relation, kind) -%}
    {%- if kind == 'slots' -%}
        {{ rows_of_unpublished_slots(relation) }}
    {%- elif kind == 'batches' -%}
        {{ rows_of_unpublished_batches(relation) }}
    {%- elif kind in ('prices', 'price_days') -%}
        {{ rows_since(relation, 'open_time' if kind == 'prices' else 'date::timestamptz', reconciled_since()) }}
    {%- elif kind in ('forecasts', 'forecast_bars') -%}
        {{ rows_since(relation, 'as_of' if kind == 'forecasts' else 'close_time', foretold_since()) }}
    {%- else -%}
        {{ zone_rows(relation, kind) }}
    {%- endif -%}
{%- endmacro %}

{# A constant, so that the catalogue leaves older files unread; without one there is nothing to look at. #}
{% macro rows_since(relation, column, moment) -%}
    (select * from {{ relation }} where {{ column ~ " >= timestamptz '" ~ moment ~ "'" if moment else 'false' }})
{%- endmacro %}

{# Sources are reconciled again from the month of the first bar that changed (assay.pipelines.reconciling). #}
{% macro reconciled_since() -%}
    {%- set found = [none] -%}
    {%- if execute -%}
        {%- set found = asked_once(
            'reconciled_since', "select date_trunc('month', min(from_time))::varchar from " ~ source('refresh', 'zones')
        ) -%}
    {%- endif -%}
    {{ return(found[0]) }}
{%- endmacro %}

{# Forecasts are appended whenever they are made: those that came since the last build that found nothing wrong with
   them, and what was foretold of the same time before. #}
{% macro foretold_since() -%}
    {%- set found = [none] -%}
    {%- if execute -%}
        {%- set predictions = source('gold_predictions', 'price_predictions') -%}
        {%- set tested = asked_once(
            'tested',
            "select max(known_at)::varchar from " ~ source('refresh', 'tested') ~ " where name = 'gold.price_predictions'"
        )[0] -%}
        {%- if tested is none or flags.FULL_REFRESH -%}
            {%- set found = ['-infinity'] -%}
        {%- else -%}
            {%- set found = asked_once(
                'foretold_since',
                "select min(as_of)::varchar from " ~ predictions ~ " where known_at > timestamptz '" ~ tested ~ "'"
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(found[0]) }}
{%- endmacro %}

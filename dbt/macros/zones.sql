{# What a refresh recomputes. assay.lake.zones writes refresh.zones: per series the open times to compute again
   [from_time, until_time), and from where to read. A first build or a full refresh has one zone a series: everything. #}

{# Constants around all zones. The catalogue leaves files unread by constants only, never by what a join finds. #}
{% macro zone_bounds(column, since='read_from', margin='0 days') -%}
    {%- set found = none -%}
    {%- if execute -%}
        {%- set bounds = run_query(
            "select (min(" ~ since ~ ") - interval '" ~ margin ~ "')::varchar, "
            ~ "(max(until_time) + interval '" ~ margin ~ "')::varchar from " ~ source('refresh', 'zones')
        ) -%}
        {%- set found = bounds.columns[0].values()[0] -%}
    {%- endif -%}
    {%- if found is none -%}
        false
    {%- else -%}
        {{ column }} >= timestamptz '{{ found }}' and {{ column }} < timestamptz '{{ bounds.columns[1].values()[0] }}'
    {%- endif -%}
{%- endmacro %}

{% macro in_bar_zone(row, since='from_time') -%}
    exists (
        select 1
        from {{ source('refresh', 'zones') }} as zone
        where
            (zone.venue, zone.market, zone.symbol, zone.interval)
            = ({{ row }}.venue, {{ row }}.market, {{ row }}.symbol, {{ row }}.interval)
            and {{ row }}.open_time >= zone.{{ since }}
            and {{ row }}.open_time < zone.until_time
    )
{%- endmacro %}

{# Days: the day after is touched too, because its return starts from the close of the day before. #}
{% macro in_day_zone(row, column, before=0, after=1) -%}
    exists (
        select 1
        from {{ source('refresh', 'zones') }} as zone
        where
            (zone.venue, zone.market, zone.symbol) = ({{ row }}.venue, {{ row }}.market, {{ row }}.symbol)
            and {{ row }}.{{ column }}::date >= zone.from_time::date - {{ before }}
            and {{ row }}.{{ column }}::date <= zone.until_time::date + {{ after }}
    )
{%- endmacro %}

{# Incremental strategy "zones": in one transaction, drop what the zones cover and put the new rows in its place. #}
{% macro get_incremental_zones_sql(arguments) -%}
    {%- set columns = get_quoted_csv(arguments['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arguments['target_relation'] }} as kept
    where {{ zone_of('kept', config.get('zone')) }};

    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }};
{%- endmacro %}

{% macro zone_of(row, kind) -%}
    {%- if kind == 'days' -%}
        {{ in_day_zone(row, 'date') }}
    {%- else -%}
        {{ zone_bounds(row ~ '.open_time', since='from_time') }} and {{ in_bar_zone(row) }}
    {%- endif -%}
{%- endmacro %}

{# Tests look at what the refresh touched, as long as their model is built by zones: their cost follows the new data.
   Batches whose tests failed stay unpublished, so that the next refresh touches and tests them again. #}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- set zones = [] -%}
    {%- if execute -%}
        {%- for node in (graph.nodes.values() | list) + (graph.sources.values() | list) -%}
            {%- set name = node.get('alias') or node.get('identifier') -%}
            {%- if node.resource_type in ('model', 'source') and name == relation.identifier -%}
                {%- do zones.append(node.config.get('meta', {}).get('zone')) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if where or zones[0] -%}
        (
            select * from {{ relation }} as touched
            where {{ zone_of('touched', zones[0]) if zones[0] else 'true' }} {% if where %}and {{ where }}{% endif %}
        ) as tested
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}

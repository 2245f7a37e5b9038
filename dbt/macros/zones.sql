{# What a refresh recomputes. assay.lake.zones writes refresh.zones: per series the open times to compute again
   [from_time, until_time), and from where to read. A first build or a full refresh has one zone a series: everything. #}

{# Which rows of `touched` belong to a row of `zone`, by kind: `bars` and `days` are computed again; `bars_read` and
   `days_read` are the bars that those follow from. The day after is touched too: its return starts from the close of
   the day before. #}
{% macro zone_match(kind) -%}
    zone.venue = touched.venue
    and zone.market = touched.market
    and zone.symbol = touched.symbol
    {%- if kind == 'bars' or kind == 'bars_read' %}
    and zone.interval = touched.interval
    and touched.open_time >= zone.{{ 'from_time' if kind == 'bars' else 'read_from' }}
    and touched.open_time < zone.until_time
    {%- elif kind == 'days' %}
    and touched.date between zone.from_time::date and zone.until_time::date + 1
    {%- else %}
    and touched.open_time::date between zone.from_time::date - 1 and zone.until_time::date + 1
    {%- endif %}
{%- endmacro %}

{# The first row of what is asked, once in a run of dbt and not once a test: what it is about stays while dbt runs. #}
{% macro asked_once(name, sql) -%}
    {%- set run = graph.setdefault('asked_once', {}) -%}
    {%- if run.get('invocation_id') != invocation_id -%}
        {%- do run.clear() -%}
        {%- do run.update({'invocation_id': invocation_id}) -%}
    {%- endif -%}
    {%- if name not in run -%}
        {%- do run.update({name: run_query(sql).rows[0]}) -%}
    {%- endif -%}
    {{ return(run[name]) }}
{%- endmacro %}

{# Constants around all zones. The catalogue leaves files unread by constants only, never by what a join finds. #}
{% macro zone_limits(kind) -%}
    {%- set since = 'read_from' if kind == 'bars_read' else 'from_time' -%}
    {%- set margin = '0 days' if kind == 'bars' or kind == 'bars_read' else '2 days' -%}
    {%- set type = 'date' if kind == 'days' else 'timestamptz' -%}
    {%- set column = 'touched.date' if kind == 'days' else 'touched.open_time' -%}
    {%- set limits = [none, none] -%}
    {%- if execute -%}
        {%- set limits = asked_once(
            'zone_limits ' ~ kind,
            "select (min(" ~ since ~ ") - interval '" ~ margin ~ "')::" ~ type ~ "::varchar, "
            ~ "(max(until_time) + interval '" ~ margin ~ "')::" ~ type ~ "::varchar from " ~ source('refresh', 'zones')
        ) -%}
    {%- endif -%}
    {%- if limits[0] is none -%}
        false
    {%- else -%}
        {{ column }} >= {{ type }} '{{ limits[0] }}' and {{ column }} <= {{ type }} '{{ limits[1] }}'
    {%- endif -%}
{%- endmacro %}

{# The rows of a relation that belong to a zone. A join, because a correlated subquery costs ten times as much. #}
{% macro zone_rows(relation, kind) -%}
    (
        select touched.*
        from {{ relation }} as touched
        semi join {{ source('refresh', 'zones') }} as zone on {{ zone_match(kind) }}
        where {{ zone_limits(kind) }}
    )
{%- endmacro %}

{# The same inside a model: where the whole table is made anew, every row belongs to a zone. #}
{% macro rows_to_refresh(relation, kind) -%}
    {{ zone_rows(relation, kind) if is_incremental() else relation }}
{%- endmacro %}

{# The order in which tables of bars are written. Months first: a refresh looks at the last days of every series, and
   the reader of a file leaves out its parts whose times lie elsewhere. #}
{% macro stored_order() -%}
    date_trunc('month', open_time), {{ kline_columns() }}
{%- endmacro %}

{# Incremental strategy "zones": in one transaction, drop what the zones cover and put the new rows in its place. #}
{% macro get_incremental_zones_sql(arguments) -%}
    {%- set columns = get_quoted_csv(arguments['dest_columns'] | map(attribute='name')) -%}
    {%- set kind = config.get('meta')['zone'] -%}
    delete from {{ arguments['target_relation'] }} as touched
    using {{ source('refresh', 'zones') }} as zone
    where {{ zone_limits(kind) }} and {{ zone_match(kind) }};

    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }};
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
            select *
            from
                {{ rows_to_test(relation, zones[0]) if zones[0] else relation }}
            {% if where %}where {{ where }}{% endif %}
        ) as tested
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}

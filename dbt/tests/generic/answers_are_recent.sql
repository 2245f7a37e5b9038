{# Every source that a schedule asks has answered within two turns of it, seen from the clock of the home. `every` says
   which datasets have a schedule of their own; a null there means none. Files, answers that no schedule asked for and
   homes whose simulated time stands still are never late. #}
{% test answers_are_recent(model, every) %}
    {%- set now = env_var('DBT_ASSAY_NOW', '') if execute else '' %}
    select venue, dataset, answered_at, due_every
    from (
        select
            venue, dataset, max(known_at) as answered_at,
            case dataset
                {% for dataset, turn in every.items() -%}
                when '{{ dataset }}' then {{ "interval '" ~ turn ~ "'" if turn else 'null' }}
                {% endfor -%}
                else to_seconds({{ env_var('DBT_ASSAY_EVERY', '900') if execute else 900 }})
            end as due_every
        from {{ model }}
        where slot <> '' and endpoint <> 'import' and dataset not in ('poison', 'failures')
        group by venue, dataset
    )
    where {{ "answered_at < timestamptz '" ~ now ~ "' - 2 * due_every" if now else 'false' }}
{% endtest %}

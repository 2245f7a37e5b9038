{# Every rule, by its words, is true of every row; null counts as false. One look at the table for all of them; a row
   that breaks some says which. #}
{% test rules_hold(model, rules) %}
    select
        concat_ws(
            '; ',
            {% for words, rule in rules.items() -%}
            case when not coalesce({{ rule }}, false) then '{{ words | replace("'", "''") }}' end{{ ',' if not loop.last }}
            {% endfor %}
        ) as broken_rules,
        *
    from {{ model }}
    where not coalesce(({{ rules.values() | join(') and (') }}), false)
{% endtest %}

{# Every row has a row of the parent with the same key. `columns` is a list of names, or says by what expression of the
   parent each column is found. With a `zone` only the parent's rows of that kind of zone are looked at: those that the
   rows under test can come from. #}
{% test has_parent(model, parent, columns, zone=none) %}
    select child.*
    from (select * from {{ model }}) as child
    anti join (
        select
            {% for name in columns -%}
            {{ columns[name] if columns is mapping else name }} as {{ name }}{{ ',' if not loop.last }}
            {% endfor %}
        from {{ rows_to_test(parent, zone) if zone else parent }}
    ) as parent using ({{ columns | join(', ') }})
{% endtest %}

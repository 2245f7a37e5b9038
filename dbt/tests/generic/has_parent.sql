{# Every row has a row of the parent with the same key. #}
{% test has_parent(model, parent, columns) %}
    select child.*
    from (select * from {{ model }}) as child
    anti join {{ parent }} as parent using ({{ columns | join(', ') }})
{% endtest %}

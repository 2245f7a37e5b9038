{# Schemas are called silver and gold everywhere, not <target>_silver. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}

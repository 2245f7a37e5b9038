{# Reading bronze: the files of the batches that a model has not taken in, and the note that it has.

   `datasets` is a list of folders of bronze: the model takes in their batches and no others. None: all there are. #}

{% macro batches_to_take_in(columns, datasets, only_quarantined=false) -%}
    select {{ columns }}
    from {{ source('bronze', 'batches') }}
    where {% if datasets %}dataset in ('{{ datasets | join("', '") }}'){% else %}true{% endif %}
    {% if only_quarantined %}and quarantined > 0{% endif %}
    {% if is_incremental() %}
        and batch_id not in (
            select batch_id from {{ source('refresh', 'taken_in') }} where model = '{{ this.identifier }}'
        )
    {% endif %}
{%- endmacro %}

{# The rows of those batches; `empty` is a select of no rows that gives the columns their types. `folder` names another
   place below bronze where each file of batches has one of the same name. A pack holds many batches, of which some may
   have been taken in, or be read from a file of their own. #}
{% macro bronze_rows(empty, datasets, folder=none, only_quarantined=false) -%}
    {%- set paths = [] -%}
    {%- if execute -%}
        {%- set found = run_query(batches_to_take_in('distinct path', datasets, only_quarantined) ~ ' order by path') -%}
        {%- for path in found.columns[0].values() -%}
            {%- set place = path if folder is none else folder ~ '/' ~ path.split('/', 1)[1] -%}
            {%- set file = env_var('DBT_ASSAY_BRONZE') ~ '/' ~ place -%}
            {%- do paths.append("'" ~ (file | replace("'", "''")) ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if paths -%}
        {%- set listed = paths | join(', ') %}
        {%- if '/pack-' in listed %}
        select rows.* exclude (filename)
        from read_parquet([{{ listed }}], hive_partitioning = false, filename = true) as rows
        semi join ({{ batches_to_take_in('batch_id, path', datasets, only_quarantined) }}) as batches
            on
                rows.batch_id = batches.batch_id
                and rows.filename
                    = '{{ env_var('DBT_ASSAY_BRONZE') | replace("'", "''") }}/'
                    || {% if folder is none %}path{% else %}'{{ folder }}/' || substr(path, instr(path, '/') + 1){% endif %}
        {%- else %}
        select * from read_parquet([{{ listed }}], hive_partitioning = false)
        {%- endif %}
    {%- else -%}
        {{ empty }}
    {%- endif -%}
{%- endmacro %}

{# Runs inside the model's transaction: the rows and this note are there together, or neither is. #}
{% macro note_taken_in(datasets, only_quarantined=false) -%}
    {% if not is_incremental() %}
    delete from {{ source('refresh', 'taken_in') }} where model = '{{ this.identifier }}';
    {% endif %}
    insert into {{ source('refresh', 'taken_in') }}
    {{ batches_to_take_in("'" ~ this.identifier ~ "', batch_id", datasets, only_quarantined) }}
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

{# Columns that every row of a polled dataset has besides its own. #}
{% macro no_polled_rows(texts, moments, numbers, counts, lists=[]) -%}
    select
        {% for name in ['venue', 'batch_id'] + texts -%} null::varchar as {{ name }}, {% endfor %}
        {% for name in ['known_at', 'available_at'] + moments -%} null::timestamptz as {{ name }}, {% endfor %}
        {% for name in numbers -%} null::double as {{ name }}, {% endfor %}
        {% for name in lists -%} null::double[] as {{ name }}, {% endfor %}
        {% for name in ['row_number'] + counts -%} null::bigint as {{ name }}{{ ', ' if not loop.last }}{% endfor %}
    where false
{%- endmacro %}

{% macro no_ticker_rows() -%}
    {{ no_polled_rows(
        ['market', 'venue_symbol', 'symbol'],
        ['open_time', 'event_time'],
        [
            'open_price', 'high_price', 'low_price', 'last_price', 'last_quantity', 'previous_close_price',
            'weighted_average_price', 'price_change', 'price_change_pct', 'bid_price', 'bid_quantity', 'ask_price',
            'ask_quantity', 'volume', 'quote_volume',
        ],
        ['first_trade_id', 'last_trade_id', 'num_trades'],
    ) }}
{%- endmacro %}

{% macro no_coin_rows() -%}
    {{ no_polled_rows(
        ['coin_id', 'asset', 'name', 'quote', 'roi_currency'],
        ['event_time', 'all_time_high_at', 'all_time_low_at'],
        [
            'price', 'market_cap', 'fully_diluted_valuation', 'total_volume', 'high_24h', 'low_24h',
            'price_change_24h', 'price_change_24h_pct', 'market_cap_change_24h', 'market_cap_change_24h_pct',
            'circulating_supply', 'total_supply', 'max_supply', 'all_time_high', 'all_time_high_change_pct',
            'all_time_low', 'all_time_low_change_pct', 'roi_times', 'roi_pct',
        ],
        ['market_cap_rank'],
    ) }}
{%- endmacro %}

{% macro no_order_book_rows() -%}
    {{ no_polled_rows(
        ['market', 'symbol', 'venue_symbol'],
        [],
        [],
        ['last_update_id', 'depth_limit'],
        ['bid_prices', 'bid_quantities', 'ask_prices', 'ask_quantities'],
    ) }}
{%- endmacro %}

{% macro no_trade_rows() -%}
    {{ no_polled_rows(
        ['market', 'symbol', 'venue_symbol', 'side'],
        ['event_time'],
        ['price', 'quantity'],
        ['aggregate_id', 'first_trade_id', 'last_trade_id'],
    ) }}
{%- endmacro %}

{% macro no_coin_history_rows() -%}
    {{ no_polled_rows(
        ['coin_id', 'quote'],
        ['event_time'],
        ['price', 'market_cap', 'total_volume'],
        [],
    ) }}
{%- endmacro %}

{% macro no_funding_rows() -%}
    {{ no_polled_rows(
        ['market', 'symbol', 'venue_symbol'],
        ['funding_time'],
        ['funding_rate', 'mark_price'],
        [],
    ) }}
{%- endmacro %}

{% macro no_instrument_rows() -%}
    select *, null::boolean as is_trading
    from (
        {{ no_polled_rows(
            ['market', 'venue_symbol', 'symbol', 'base', 'quote', 'status'],
            ['event_time'],
            [
                'tick_size', 'min_price', 'max_price', 'lot_size', 'min_quantity', 'max_quantity', 'min_notional',
            ],
            [],
        ) }}
    )
{%- endmacro %}

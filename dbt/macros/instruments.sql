{# Instruments in time: what a venue's lists said, from when to when. Like klines.sql this uses nothing of dbt but its
   template language, so that as-of reads render the same text. #}

{# What an instrument's terms are; a change in any of them begins a new row. #}
{% macro instrument_terms() -%}
    symbol, base, quote, status, is_trading, tick_size, min_price, max_price, lot_size, min_quantity, max_quantity,
    min_notional
{%- endmacro %}

{# `revisions` names a relation shaped like silver.instrument_revisions, `batches` one like bronze.batches, `ranges` and
   `identities` the tables of those names. A list holds for certain only at the moment it was asked for: a row is valid
   from the first list that says so until the first that says something else, or does not name the instrument. What
   stands in the very first list was listed before it: by its first bar at the latest. #}
{% macro instruments(revisions, batches, ranges, identities) -%}
    with observed as (
        select *
        from {{ revisions }}
        qualify row_number() over (partition by batch_id, market, venue_symbol order by row_number) = 1
    ),

    lists as (
        select
            *,
            row_number() over one_list as number,
            lag(known_at) over one_list as before_at,
            lead(known_at) over one_list as next_at
        from (select distinct venue, market, endpoint, batch_id, known_at from observed)
        window one_list as (partition by venue, market, endpoint order by known_at, batch_id)
    ),

    compared as (
        select
            observed.*, lists.number, lists.before_at, lists.next_at,
            coalesce(lag(lists.number) over one_instrument = lists.number - 1, false) as was_listed,
            hash({{ instrument_terms() }}) as terms,
            lag(hash({{ instrument_terms() }})) over one_instrument as terms_before
        from observed
        inner join lists using (venue, market, endpoint, batch_id)
        window one_instrument as (partition by venue, market, endpoint, venue_symbol order by lists.number)
    ),

    counted as (
        select
            *,
            sum((not was_listed or terms <> terms_before)::integer) over (
                partition by venue, market, endpoint, venue_symbol order by number rows unbounded preceding
            )::integer as revision
        from compared
    ),

    states as (
        select
            venue, market, endpoint, venue_symbol, revision,
            {% for name in instrument_terms().split(',') -%}
            arg_min_null({{ name.strip() }}, number) as {{ name.strip() }},
            {% endfor -%}
            min(known_at) as valid_from,
            arg_max_null(next_at, number) as valid_to,
            arg_min(was_listed, number) as was_listed,
            min(number) as first_number,
            arg_min_null(before_at, number) as before_at,
            arg_min(batch_id, number) as batch_id
        from counted
        group by venue, market, endpoint, venue_symbol, revision
    ),

    first_bars as (
        select ranges.venue, ranges.market, ranges.symbol, min(ranges.first_open_time) as first_bar
        from {{ ranges }} as ranges
        semi join {{ batches }} as batches using (batch_id)
        group by ranges.venue, ranges.market, ranges.symbol
    ),

    lives as (
        select
            venue, market, endpoint, venue_symbol,
            min(first_number) as first_number,
            arg_min_null(before_at, revision) as before_at,
            min(valid_from) as first_seen,
            arg_max_null(valid_to, revision) as left_at,
            coalesce(max(revision) filter (where is_trading), 0) as last_trading
        from states
        group by venue, market, endpoint, venue_symbol
    ),

    -- The first state after the last in which it could be traded.
    ended as (
        select states.venue, states.market, states.endpoint, states.venue_symbol, states.valid_from as ended_at
        from states
        inner join lives using (venue, market, endpoint, venue_symbol)
        where lives.last_trading > 0 and states.revision = lives.last_trading + 1
    )

    select
        states.venue, states.market, states.venue_symbol, states.symbol, states.base, states.quote,
        identities.asset_id, states.revision, states.valid_from, states.valid_to,
        case
            when states.first_number = 1 then 'in_first_list'
            when states.revision = 1 then 'listed'
            when not states.was_listed then 'listed_again'
            else 'changed'
        end as change,
        states.status, states.is_trading, states.tick_size, states.lot_size, states.min_price, states.max_price,
        states.min_quantity, states.max_quantity, states.min_notional,
        case
            when lives.first_number > 1
                then
                    case
                        when first_bars.first_bar between lives.before_at and lives.first_seen
                            then first_bars.first_bar
                        else lives.first_seen
                    end
            when first_bars.first_bar < lives.first_seen then first_bars.first_bar
        end as listed_at,
        case
            when lives.first_number > 1
                then
                    case
                        when first_bars.first_bar between lives.before_at and lives.first_seen then 'first_bar'
                        else 'first_seen'
                    end
            when first_bars.first_bar < lives.first_seen then 'bars_since'
            else 'before_first_list'
        end as listed_by,
        coalesce(ended.ended_at, lives.left_at) as delisted_at,
        case when ended.ended_at is not null then 'status' when lives.left_at is not null then 'left_list' end
            as delisted_by,
        states.endpoint, states.valid_from as known_at, states.batch_id
    from states
    inner join lives using (venue, market, endpoint, venue_symbol)
    left join ended using (venue, market, endpoint, venue_symbol)
    left join first_bars
        on states.venue = first_bars.venue
        and states.market = first_bars.market
        and states.symbol = first_bars.symbol
    left join {{ identities }} as identities
        on states.base = identities.ticker
        and states.valid_from >= identities.valid_from
        and states.valid_from < identities.valid_to
{%- endmacro %}

{# Tickers that meant, or mean, more than one thing, and assets whose ticker changed: stated here one by one, and never
   guessed. `asset_id` is CoinGecko's. A ticker that is not here is taken to mean one asset at all times. #}
{% macro asset_identities() -%}
    select
        ticker, asset_id,
        coalesce(valid_from, timestamptz '1970-01-01 00:00:00+00') as valid_from,
        coalesce(valid_to, timestamptz '9999-12-31 00:00:00+00') as valid_to,
        formerly, source
    from (
        values
            (
                'LUNA', 'terra-luna', null::timestamptz, timestamptz '2022-05-28 06:00:00+00', null::varchar,
                'the first Terra chain; renamed Terra Classic at the launch of the second'
            ),
            (
                'LUNA', 'terra-luna-2', timestamptz '2022-05-28 06:00:00+00', null, null,
                'the second Terra chain, launched 2022-05-28 06:00 UTC: another asset under the old ticker'
            ),
            (
                'LUNC', 'terra-luna', timestamptz '2022-05-28 06:00:00+00', null, 'LUNA',
                'the first Terra chain under its new ticker'
            ),
            (
                'MATIC', 'matic-network', null, timestamptz '2024-09-13 10:00:00+00', null,
                'Polygon before it moved to POL; Binance ended its pairs on 2024-09-10'
            ),
            (
                'POL', 'polygon-ecosystem-token', timestamptz '2024-09-13 10:00:00+00', null, 'MATIC',
                'Polygon after the move, one POL for one MATIC'
            ),
            (
                'RNDR', 'render-token', null, timestamptz '2024-07-26 10:00:00+00', null,
                'Render before its new ticker'
            ),
            (
                'RENDER', 'render-token', timestamptz '2024-07-26 10:00:00+00', null, 'RNDR',
                'Render after it, one RENDER for one RNDR'
            )
    ) as stated (ticker, asset_id, valid_from, valid_to, formerly, source)
{%- endmacro %}

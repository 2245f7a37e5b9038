{{ config(materialized='incremental', incremental_strategy='everything', tags=['polled']) }}

{#- A constant, so that the catalogue leaves older files unread. -#}
{%- set since = "slot_at > (select max(slot_at) from " ~ ref('processed_crypto_market') ~ ") - interval 24 hours" %}
{%- if execute %}
    {%- set newest = run_query("select max(slot_at)::varchar from " ~ ref('processed_crypto_market')).rows[0][0] %}
    {%- set since = "slot_at > timestamptz '" ~ newest ~ "' - interval 24 hours" if newest else 'false' %}
{%- endif %}

with coins as (
    select * from {{ ref('processed_crypto_market') }} where {{ since }}
),

binance as (
    select * from {{ ref('processed_binance_tickers') }} where {{ since }}
),

wazirx as (
    select * from {{ ref('processed_wazirx_tickers') }} where {{ since }}
),

current_state as (
    {{ crypto_market('coins', 'binance', 'wazirx') }}
)

select * from current_state
order by market_cap_rank nulls last, coin_id

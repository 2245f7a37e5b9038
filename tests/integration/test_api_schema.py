"""The OpenAPI document against the routes themselves: complete, true, and no question that makes the server fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.kept_backtests import KeptBacktests, keep_backtests
from tests.integration.registered import Registered, register_models
from tests.integration.served import HERE, Client, Home, served_home, serving

ROUTES = (
    "/api/v1/market-overview", "/api/v1/tickers/{venue}", "/api/v1/pairs", "/api/v1/klines", "/api/v1/history/{symbol}",
    "/api/v1/instruments", "/api/v1/reconciliation", "/api/v1/coverage", "/api/v1/gaps",
    "/api/v1/indicators", "/api/v1/indicators/{symbol}", "/api/v1/predictions", "/api/v1/predictions/{symbol}",
    "/api/v1/predict", "/predict", "/api/v1/status", "/api/v1/health/live", "/api/v1/health/ready", "/api/v1/metrics",
    "/api/v1/signals", "/api/v1/models", "/api/v1/models/{version}",
    "/api/v1/backtests", "/api/v1/backtests/compare", "/api/v1/backtests/{run}", "/api/v1/backtests/{run}/equity",
    "/api/v1/backtests/{run}/trades", "/api/v1/backtests/{run}/combinations",
)  # fmt: skip
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
NUMBERS = ("number", "integer")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return served_home(tmp_path_factory)


@pytest.fixture(scope="module")
def versions(home: Home) -> Registered:
    return register_models(home.workspace(), home.second)


@pytest.fixture(scope="module")
def backtests(home: Home) -> KeptBacktests:
    return keep_backtests(home.workspace())


@pytest.fixture(scope="module")
def api(home: Home, versions: Registered, backtests: KeptBacktests) -> Iterator[Client]:
    with serving(home.workspace()) as client:
        yield client


@pytest.fixture(scope="module")
def document(api: Client) -> dict[str, Any]:
    return dict(api.json("/api/v1/openapi.json"))


@pytest.fixture(scope="module")
def schema(api: Client) -> Any:  # noqa: ANN401  # schemathesis's own
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", api.app, headers={"host": "127.0.0.1"})


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        assert list(methods) == ["get"], path
        yield path, methods["get"]


def test_every_route_is_in_the_document_and_nothing_else(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == set(ROUTES)


def test_every_operation_says_what_it_does_and_what_may_go_wrong(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        assert operation["summary"], path
        assert len(operation["description"]) > 40, path
        assert set(operation["responses"]) >= {"200", "400", "503"}, path
        for status, response in operation["responses"].items():
            if status != "200":
                assert list(response["content"]) == ["application/problem+json"], (path, status)


def test_every_parameter_is_explained_and_has_an_example(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            where = path, parameter["name"]
            assert parameter["description"], where
            has_example = parameter["schema"].get("examples") or "default" in parameter["schema"]
            assert has_example or parameter["schema"].get("type") == "boolean", where


def test_every_field_is_explained_and_every_number_has_an_example(document: dict[str, Any]) -> None:
    for name, shape in document["components"]["schemas"].items():
        for field, said in shape.get("properties", {}).items():
            inner = [said, *said.get("anyOf", ()), said.get("items", {}), *said.get("items", {}).get("anyOf", ())]
            is_shape = any("$ref" in one for one in inner)
            is_plain_column = name == "Columns" or field in ("open_time", "open", "high", "low", "close")
            assert said.get("description") or is_shape or is_plain_column, (name, field)
            if said.get("type") in NUMBERS and not is_plain_column:
                assert said.get("examples"), (name, field)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("route", ROUTES)
def test_no_question_makes_the_server_fail_and_every_answer_is_as_documented(
    schema: Any,  # noqa: ANN401  # schemathesis's own
    route: str,
    mode: GenerationMode,
) -> None:
    @given(case=schema[route]["GET"].as_strategy(generation_mode=mode))
    @settings(max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:  # noqa: ANN401
        response = case.call(base_url=HERE)
        asked.append(response.status_code)
        case.validate_response(response, checks=CHECKS)

    asked: list[int] = []
    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "a route without parameters cannot be asked wrongly"
    assert 500 not in asked


@pytest.mark.parametrize("route", ROUTES)
def test_answer_to_a_good_question_has_the_documented_shape(
    schema: Any,  # noqa: ANN401  # schemathesis's own
    versions: Registered,
    backtests: KeptBacktests,
    route: str,
) -> None:
    query = {
        "/api/v1/backtests/compare": {"run": [backtests.rules, backtests.sweep]},
        "/api/v1/klines": {"symbol": "BTC-USDT", "indicators": "ema:12,rsi:14", "limit": 40},
        "/api/v1/predict": {"date": "2024-06-01", "hour": 12},
        "/predict": {"date": "2024-06-01", "hour": 12, "zone": "UTC", "symbol": "ETH-USDT"},
    }
    inside = {
        "{venue}": {"venue": "wazirx"},
        "{symbol}": {"symbol": "binance:spot:BTC-USDT"},
        "{version}": {"version": versions.skilled},
        "{run}": {"run": backtests.sweep},
    }
    path_parameters = next((values for name, values in inside.items() if name in route), {})
    case = schema[route]["GET"].Case(query=query.get(route, {}), path_parameters=path_parameters)
    response = case.call(base_url=HERE)
    assert response.status_code == 200, response.text
    case.validate_response(response, checks=CHECKS)


def test_document_is_the_same_for_everybody(api: Client) -> None:
    first, second = (api.get("/api/v1/openapi.json") for _ in range(2))
    assert first.content == second.content

"""What is measured of exchanges that went to a provider."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from gateway.exchange import Exchange
from gateway.observe.inference import InferenceMeter, first_chunk_seconds, provider_of
from gateway.words import Usage

_BEGAN = datetime(2026, 11, 28, tzinfo=UTC)


def exchange(**changes: Any) -> Exchange:
    """An exchange that was held for two seconds, and answered in three more."""
    said = {
        "dialect": "openai.chat",
        "family": "openai",
        "provider": "main",
        "started": _BEGAN,
        "forwarded": SimpleNamespace(at=_BEGAN + timedelta(seconds=2)),
        "ttft_ms": 2500.0,
        "status": 200,
        "outcome": "completed",
        "inspected": SimpleNamespace(model="gpt-4o"),
        "usage_spent": Usage(100, 20, 80, -1),
        "elapsed_ms": lambda: 5000.0,
        **changes,
    }
    return cast(Exchange, SimpleNamespace(**said))


def measured(*ended: Exchange) -> Mapping[str, Any]:
    """Each metric's one point."""
    reader = InMemoryMetricReader()
    meter = InferenceMeter(MeterProvider([reader], shutdown_on_exit=False).get_meter("regate"))
    for each in ended:
        meter.ended(each)
    data = reader.get_metrics_data()
    scopes = data.resource_metrics[0].scope_metrics if data and data.resource_metrics else []
    return {
        metric.name.removeprefix("gen_ai.client."): point
        for scope in scopes
        for metric in scope.metrics
        for point in metric.data.data_points
    }


def test_the_time_before_a_request_went_up_is_not_the_models() -> None:
    points = measured(exchange())
    assert points["inference.duration"].sum == pytest.approx(3)
    assert points["inference.time_to_first_chunk"].sum == pytest.approx(0.5)
    assert points["inference.operation.input_tokens"].sum == 100
    assert points["inference.usage.cache_read.input_tokens"].value == 80
    assert "inference.usage.cache_write.input_tokens" not in points


def test_what_did_not_go_up_is_not_measured() -> None:
    refused = exchange(forwarded=None, status=0, outcome="policy_denied")
    assert measured(refused, exchange(dialect="opaque")) == {}
    assert first_chunk_seconds(refused) is None


def test_a_model_that_no_provider_knows_names_no_series() -> None:
    points = measured(exchange(status=404, outcome="upstream_error", usage_spent=Usage(), ttft_ms=-1))
    told = points["inference.duration"].attributes
    assert "gen_ai.request.model" not in told
    assert told["error.type"] == "upstream_error"
    assert points["inference.usage.input_tokens"].value == 0
    assert "inference.operation.input_tokens" not in points


def test_other_operations_are_no_inference() -> None:
    assert set(measured(exchange(dialect="mcp"))) == {"operation.duration"}


@pytest.mark.parametrize(("family", "named"), [("bedrock", "aws.bedrock"), ("anthropic", "anthropic")])
def test_providers_have_the_names_of_the_conventions(family: str, named: str) -> None:
    assert provider_of(exchange(family=family)) == named

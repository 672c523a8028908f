"""Histograms and counters of inference for OpenTelemetry, by the GenAI semantic conventions 0.1.0.

https://github.com/open-telemetry/semantic-conventions-genai/blob/v0.1.0/docs/gen-ai/client-inference.md
Measured is what went to a provider; what policy refused before that is no operation of a model's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.dialects import find

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, Meter

    from gateway.exchange import Exchange
    from gateway.words import Usage

_SECONDS = tuple(0.01 * 2**step for step in range(14))
_TOKENS = tuple(4**step for step in range(14))
_INFERENCE = ("chat", "generate_content", "text_completion")
_ERROR = 400
_MODEL = 256  # characters: its name is the agent's to choose
_SPENT = {
    "input_tokens": "Input tokens used, cached ones among them.",
    "output_tokens": "Output tokens used.",
    "cache_read.input_tokens": "Input tokens read from the provider's cache.",
    "cache_write.input_tokens": "Input tokens written into the provider's cache.",
}
_PROVIDERS = {"bedrock": "aws.bedrock", "gemini": "gcp.gen_ai"}  # as the conventions call these families


def operation_of(exchange: Exchange) -> str:
    """Return `gen_ai.operation.name`: that of the dialect, or the dialect's own name."""
    return find(exchange.dialect).operation or exchange.dialect


def provider_of(exchange: Exchange) -> str:
    """Return `gen_ai.provider.name`: the API that the provider speaks."""
    return _PROVIDERS.get(exchange.family, exchange.family)


def model_of(exchange: Exchange) -> str:
    """Return the model that was asked for, short and valid text: one that is not would lose a batch."""
    return exchange.inspected.model[:_MODEL].encode(errors="replace").decode()


def first_chunk_seconds(exchange: Exchange) -> float | None:
    """Return the seconds from the request's going up to the stream's first event; None where none came."""
    if exchange.forwarded is None or exchange.ttft_ms < 0:
        return None
    return max(0.0, exchange.ttft_ms / 1000 - _seconds_before(exchange))


class InferenceMeter:
    """Counts tokens and measures how long providers take."""

    def __init__(self, meter: Meter) -> None:
        def seconds(name: str, meaning: str) -> Histogram:
            return meter.create_histogram(name, "s", meaning, explicit_bucket_boundaries_advisory=_SECONDS)

        def tokens(name: str, meaning: str) -> Histogram:
            return meter.create_histogram(
                name, "{token}", meaning, explicit_bucket_boundaries_advisory=_TOKENS
            )

        inference = "gen_ai.client.inference"
        self._duration = seconds(f"{inference}.duration", "Duration of inference operations.")
        self._first = seconds(f"{inference}.time_to_first_chunk", "Time to the first chunk of a stream.")
        self._other = seconds("gen_ai.client.operation.duration", "Duration of operations but inference.")
        self._input = tokens(f"{inference}.operation.input_tokens", "Input tokens of one operation.")
        self._output = tokens(f"{inference}.operation.output_tokens", "Output tokens of one operation.")
        self._spent = {
            kind: meter.create_counter(f"{inference}.usage.{kind}", "{token}", meaning)
            for kind, meaning in _SPENT.items()
        }

    def ended(self, exchange: Exchange) -> None:
        """Measure one exchange that is over."""
        operation = operation_of(exchange)
        if exchange.forwarded is None or not find(exchange.dialect).operation:
            return
        what: dict[str, str] = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": provider_of(exchange),
            "regate.provider": exchange.provider,
        }
        if 0 < exchange.status < _ERROR:  # a name that no provider knows is an agent's invention
            what["gen_ai.request.model"] = model_of(exchange)
        failed = {} if exchange.outcome == "completed" else {"error.type": exchange.outcome or "_OTHER"}
        took = max(0.0, exchange.elapsed_ms() / 1000 - _seconds_before(exchange))
        if operation not in _INFERENCE:
            self._other.record(took, what | failed)
            return
        self._duration.record(took, what | failed)
        if (first := first_chunk_seconds(exchange)) is not None:
            self._first.record(first, what)
        self._count(exchange.usage_spent, what)

    def _count(self, usage: Usage, what: dict[str, str]) -> None:
        for histogram, counted in ((self._input, usage.input_tokens), (self._output, usage.output_tokens)):
            if counted >= 0:
                histogram.record(counted, what)
        counts = (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.cache_written_tokens)
        for (kind, counter), counted in zip(self._spent.items(), counts, strict=True):
            if counted >= 0 or "cache" not in kind:  # what a provider does not say of tokens is 0 of them
                counter.add(max(counted, 0), what | {"gen_ai.token.modality": "unknown"})


def _seconds_before(exchange: Exchange) -> float:
    """Return how long the exchange was under way before its request went up: inspected, decided, held."""
    assert exchange.forwarded is not None
    return (exchange.forwarded.at - exchange.started).total_seconds()

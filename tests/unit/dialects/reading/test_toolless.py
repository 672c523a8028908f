"""Where models call no tools, an answer with a call in it is refused."""

import pytest

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.leaves import Grammar, structural
from gateway.dialects.reading.toolless import toolless_completion, toolless_prompt

GRAMMAR = Grammar(frozenset({"model", "stream"}), {"model": structural})


def test_a_prompt_names_its_models() -> None:
    prompt = toolless_prompt(GRAMMAR, {"model": "m", "fallback_models": ["n"], "stream": True})
    assert (prompt.model, prompt.models, prompt.stream) == ("m", ("m", "n"), True)


def test_a_body_that_is_no_object_has_parts_all_the_same() -> None:
    assert [part.text for part in toolless_prompt(GRAMMAR, ["said"]).parts] == ["said"]


@pytest.mark.parametrize("answer", [[], "text", {"deep": [{"tool_calls": [{"name": "f"}]}]}])
def test_an_answer_that_is_no_object_or_hides_a_call_is_malformed(answer: object) -> None:
    with pytest.raises(Malformed):
        toolless_completion(GRAMMAR, answer)

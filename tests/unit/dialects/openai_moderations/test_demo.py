"""The demo provider moderates as the SDK expects it."""

from openai.types import ModerationCreateResponse

from gateway.dialects.openai_moderations.demo import demo


def test_the_demo_provider_flags_nothing() -> None:
    answer = demo({"input": ["a", "b"]}, 3)
    assert [result["flagged"] for result in answer["results"]] == [False, False]
    ModerationCreateResponse.model_validate(answer)

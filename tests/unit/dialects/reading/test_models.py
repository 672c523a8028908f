"""Every model that a request can reach is known by its key's ending, or by the path."""

from gateway.dialects.reading.models import named_models, reachable


def test_routers_keys_are_found_at_any_depth_and_conversations_are_not_read() -> None:
    document = {
        "model": "a",
        "fallbacks": [{"a": ["b"]}],
        "extra": {"fallbackModels": ["c"], "route": "fallback"},
        "messages": [{"model": "d"}],
        "tools": [{"type": "advisor", "model": "e"}],
    }
    assert named_models(document) == ("a", "b", "c", "e")


def test_a_comma_and_a_path_name_models_too() -> None:
    assert reachable(["a,b", "b"], "/openai/deployments/c/chat/completions") == ("a", "b", "c")
    assert reachable([], "/v1beta/models/gemini-3:generateContent") == ("gemini-3",)
    assert reachable([], "/v1beta/tunedModels/mine:generateContent") == ("mine",)
    assert reachable([], "/v1/projects/p/locations/l/endpoints/e1:generateContent") == ("e1",)


def test_a_models_name_in_a_path_may_have_slashes() -> None:
    path = "/v1beta/models/meta-llama%2FLlama-3:generateContent"
    assert reachable((), path) == ("meta-llama/Llama-3",)


def test_an_arn_of_bedrock_is_one_model_however_its_slash_is_sent() -> None:
    arn = "arn:aws:bedrock:eu-central-1::foundation-model"
    assert reachable((), f"/model/{arn}%2Fclaude-v1:0/converse") == (f"{arn}/claude-v1:0",)
    assert reachable((), f"/model/{arn}/claude-v1:0/converse") == (arn, f"{arn}/claude-v1:0")
    assert reachable((), "/model/claude-v1:0/invoke-with-response-stream") == ("claude-v1:0",)


def test_what_a_model_would_be_asked_is_no_model() -> None:
    """In a count of tokens the verb ends as a key for models does."""
    counted = {"input": {"invokeModel": {"body": "eyJwcm9tcHQiOiJoaSJ9", "modelId": "a"}}}
    assert named_models(counted) == ("a",)
    assert named_models({"invokeModel": "a"}) == ("a",)

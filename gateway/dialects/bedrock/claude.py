"""`bedrock.anthropic`: Anthropic's messages in calls of InvokeModel, whole and in chunks."""

from __future__ import annotations

from typing import Any

from gateway.dialects.anthropic_messages.bodies import read_completion
from gateway.dialects.anthropic_messages.stream import AnthropicStream
from gateway.dialects.bedrock.frames import is_exception
from gateway.dialects.plain.bodies import read_completion as read_plain
from gateway.dialects.reading.calls import refuse_hidden_calls
from gateway.dialects.reading.document import Malformed, parse
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import Item, OtherEvent, json_event
from gateway.words import Completion


def is_message(document: Any) -> bool:
    """Return whether a body is one of Anthropic's; Bedrock wants the version in it."""
    return isinstance(document, dict) and isinstance(document.get("anthropic_version"), str)


def read_message_completion(document: Any) -> Completion:
    """Return the completion of a response body.

    The agent chooses the model, so an answer may be none of Anthropic's: it is read as any JSON then. Raises
    Malformed when a tool call hides in it.
    """
    if not isinstance(document, dict) or document.get("type") != "message":
        return read_plain(document)
    refuse_hidden_calls({key: value for key, value in document.items() if key != "content"})
    return read_completion(document)


class ClaudeStream(AnthropicStream):
    """Reads one streamed message; what fails comes as an exception beside its events."""

    def read(self, event: SseEvent) -> list[Item]:
        if not is_exception(event):
            return super().read(event)
        document = parse(event.data.encode())
        if not isinstance(document, dict):
            raise Malformed("expected an exception to be an object")
        refuse_hidden_calls(document)
        *ends, said = super().read(json_event({"type": "error", "error": document or True}, "error"))
        assert isinstance(said, OtherEvent)
        return [*ends, OtherEvent(json_event(document, event.event), document, read_plain(document).parts)]

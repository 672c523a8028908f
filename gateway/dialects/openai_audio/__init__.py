"""`openai.audio`: a text becomes speech. What is sent as audio (multipart) is a body of its own, `opaque`."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_audio.bodies import read_completion, read_prompt
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.reading.events import WholeEvents

_PIECE = frozenset(("speech.audio.delta",))
_LAST = frozenset(("speech.audio.done",))

DIALECT = Dialect(
    name="openai.audio",
    family=OPENAI,
    paths=("*/audio/speech",),
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=lambda: WholeEvents(read_completion, _PIECE, _LAST),
    media=("audio/*", "application/octet-stream"),
    operation="speech",
)

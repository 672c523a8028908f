"""`openai.audio`: a text becomes speech, and speech (a form with a recording) becomes a text."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_audio.bodies import read_completion, read_form, read_prompt
from gateway.dialects.openai_audio.stream import AudioStream
from gateway.dialects.openai_chat.openai import OPENAI

DIALECT = Dialect(
    name="openai.audio",
    family=OPENAI,
    paths=("*/audio/speech",),
    forms=("*/audio/transcriptions", "*/audio/translations"),
    read_prompt=read_prompt,
    read_form=read_form,
    read_completion=read_completion,
    new_stream=AudioStream,
    media=("audio/*", "application/octet-stream"),
    texts=("text/*", "application/x-subrip"),
    operation="speech",
)

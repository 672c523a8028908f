"""Ollama's own API: `ollama.chat`, `ollama.generate` and `ollama.embeddings`. They stream lines of JSON."""

from gateway.dialects.dialect import Dialect, Family
from gateway.dialects.ollama.bodies import read_completion, read_prompt
from gateway.dialects.ollama.demo import demo
from gateway.dialects.ollama.stream import JsonLines, chat_pieces, generate_pieces
from gateway.dialects.reading.chunks import ChunkStream
from gateway.dialects.reading.framing import LINES
from gateway.dialects.reading.stream import json_event

OLLAMA = Family(
    name="ollama",
    credential=lambda secret: {"authorization": f"Bearer {secret}"},
    request_headers=frozenset(),
    response_headers=frozenset(),
    # its clients show what `error` says, which is a text
    error_document=lambda members: {**members, "error": members["message"]},
    error_event=json_event,
)
CHAT = Dialect(
    name="ollama.chat",
    family=OLLAMA,
    paths=("*/api/chat",),
    usual_path="/api/chat",
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=lambda: ChunkStream(JsonLines(chat_pieces)),
    framings=(LINES,),
    operation="chat",
    demo=demo,
)
GENERATE = Dialect(
    name="ollama.generate",
    family=OLLAMA,
    paths=("*/api/generate",),
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=lambda: ChunkStream(JsonLines(generate_pieces)),
    framings=(LINES,),
    operation="text_completion",
)
EMBEDDINGS = Dialect(
    name="ollama.embeddings",
    family=OLLAMA,
    paths=("*/api/embed", "*/api/embeddings"),
    read_prompt=read_prompt,
    read_completion=read_completion,
    operation="embeddings",
)

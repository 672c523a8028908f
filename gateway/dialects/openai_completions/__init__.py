"""`openai.completions`: the endpoint before chat, which many engines still serve."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_completions.bodies import read_completion, read_prompt
from gateway.dialects.openai_completions.demo import demo
from gateway.dialects.openai_completions.stream import TextChunks
from gateway.dialects.reading.chunks import ChunkStream
from gateway.dialects.reading.turns import ByTurns

DIALECT = Dialect(
    name="openai.completions",
    family=OPENAI,
    paths=("/completions", "*/v1/completions", "*/engines/*/completions", "*/deployments/*/completions"),
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=lambda: ByTurns(ChunkStream(TextChunks())),
    operation="text_completion",
    demo=demo,
)

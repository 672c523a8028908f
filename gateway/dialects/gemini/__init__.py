"""Gemini's API: `gemini.generate`, `gemini.count_tokens` and `gemini.embeddings` share one schema."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.gemini.bodies import read_completion, read_prompt
from gateway.dialects.gemini.demo import demo, demo_count, demo_embedding
from gateway.dialects.gemini.family import GEMINI
from gateway.dialects.gemini.stream import CandidateChunks
from gateway.dialects.reading.chunks import ChunkStream
from gateway.dialects.reading.framing import JSON_ARRAY
from gateway.dialects.reading.turns import ByTurns

GENERATE = Dialect(
    name="gemini.generate",
    family=GEMINI,
    paths=("*:generateContent", "*:streamGenerateContent"),
    usual_path="/v1beta/models/demo:generateContent",
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=lambda: ByTurns(ChunkStream(CandidateChunks()), "candidates", "finishReason"),
    streams="*:streamGenerateContent",
    framings=(JSON_ARRAY,),
    operation="generate_content",
    demo=demo,
)
COUNT_TOKENS = Dialect(
    name="gemini.count_tokens",
    family=GEMINI,
    paths=("*:countTokens",),
    read_prompt=read_prompt,
    read_completion=read_completion,
    operation="count_tokens",
    demo=demo_count,
)
EMBEDDINGS = Dialect(
    name="gemini.embeddings",
    family=GEMINI,
    paths=("*:embedContent", "*:batchEmbedContents"),
    read_prompt=read_prompt,
    read_completion=read_completion,
    operation="embeddings",
    demo=demo_embedding,
)

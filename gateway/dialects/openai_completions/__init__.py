"""`openai.completions`, the endpoint before chat; `openai.fim`, code between a prompt and its suffix."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_chat.stored import read_answer
from gateway.dialects.openai_chat.stream import OpenAIStream
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

# Asked as a completion, answered as a chat.
FIM = Dialect(
    name="openai.fim",
    family=OPENAI,
    paths=("*/fim/completions",),
    read_prompt=read_prompt,
    read_completion=read_answer,
    new_stream=lambda: ByTurns(OpenAIStream()),
    operation="text_completion",
)

"""Amazon Bedrock: `bedrock.converse`, `bedrock.anthropic` (InvokeModel) and `bedrock.count_tokens`."""

from gateway.dialects.anthropic_messages.bodies import read_prompt as read_message
from gateway.dialects.bedrock.bodies import read_completion, read_count, read_prompt
from gateway.dialects.bedrock.claude import ClaudeStream, is_message, read_message_completion
from gateway.dialects.bedrock.family import BEDROCK
from gateway.dialects.bedrock.frames import CHUNKS, FRAMES
from gateway.dialects.bedrock.stream import ConverseStream
from gateway.dialects.dialect import Dialect

CONVERSE = Dialect(
    name="bedrock.converse",
    family=BEDROCK,
    paths=("*/model/*/converse", "*/model/*/converse-stream"),
    usual_path="/model/demo/converse",
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=ConverseStream,
    streams="*/converse-stream",
    framings=(FRAMES,),
    operation="chat",
)
ANTHROPIC = Dialect(
    name="bedrock.anthropic",
    family=BEDROCK,
    paths=("*/model/*/invoke", "*/model/*/invoke-with-response-stream"),
    speaks=is_message,
    read_prompt=read_message,
    read_completion=read_message_completion,
    new_stream=ClaudeStream,
    streams="*/invoke-with-response-stream",
    framings=(CHUNKS,),
    operation="chat",
)
COUNT_TOKENS = Dialect(
    name="bedrock.count_tokens",
    family=BEDROCK,
    paths=("*/model/*/count-tokens",),
    read_prompt=read_prompt,
    read_completion=read_count,
    operation="count_tokens",
)

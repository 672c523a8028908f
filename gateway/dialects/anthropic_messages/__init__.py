"""`anthropic.messages`: the Messages API."""

from gateway.dialects.anthropic_messages.anthropic import ANTHROPIC
from gateway.dialects.anthropic_messages.bodies import read_completion, read_prompt
from gateway.dialects.anthropic_messages.demo import demo
from gateway.dialects.anthropic_messages.stream import AnthropicStream
from gateway.dialects.dialect import Dialect

DIALECT = Dialect(
    name="anthropic.messages",
    family=ANTHROPIC,
    paths=("*/v1/messages",),
    usual_path="/v1/messages",
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=AnthropicStream,
    operation="chat",
    demo=demo,
)

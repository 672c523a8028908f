"""`anthropic.count_tokens`: the body of a message, of which only the tokens are counted."""

from gateway.dialects.anthropic_count_tokens.bodies import demo, read_completion
from gateway.dialects.anthropic_messages.anthropic import ANTHROPIC
from gateway.dialects.anthropic_messages.bodies import read_prompt
from gateway.dialects.dialect import Dialect

DIALECT = Dialect(
    name="anthropic.count_tokens",
    family=ANTHROPIC,
    paths=("*/v1/messages/count_tokens",),
    read_prompt=read_prompt,
    read_completion=read_completion,
    operation="count_tokens",
    demo=demo,
)

"""`anthropic.batches`: messages that wait with the provider, and what they were answered."""

from gateway.dialects.anthropic_batches.bodies import read_completion, read_line, read_prompt
from gateway.dialects.anthropic_messages.anthropic import ANTHROPIC
from gateway.dialects.dialect import Dialect

DIALECT = Dialect(
    name="anthropic.batches",
    family=ANTHROPIC,
    paths=("*/v1/messages/batches",),
    stored=(  # no list: it shows all that an account keeps, whichever agent asked
        "GET */v1/messages/batches/*",
        "POST */v1/messages/batches/*/cancel",
        "DELETE */v1/messages/batches/*",
    ),
    files=("GET */v1/messages/batches/*/results",),
    read_prompt=read_prompt,
    read_completion=read_completion,
    read_line=read_line,
)

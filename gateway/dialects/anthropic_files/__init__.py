"""`anthropic.files`: what Anthropic stores for messages to refer to. The list of all has no dialect."""

from gateway.dialects.anthropic_files.bodies import read_completion, read_form, read_line
from gateway.dialects.anthropic_messages.anthropic import ANTHROPIC
from gateway.dialects.dialect import Dialect
from gateway.dialects.plain.bodies import read_prompt

DIALECT = Dialect(
    name="anthropic.files",
    family=ANTHROPIC,
    forms=("*/v1/files",),
    stored=("GET */v1/files/*", "DELETE */v1/files/*"),
    files=("GET */v1/files/*/content",),
    read_prompt=read_prompt,
    read_form=read_form,
    read_completion=read_completion,
    read_line=read_line,
)

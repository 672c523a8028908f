"""`openai.moderations`: texts and images are judged by category."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_moderations.bodies import read_completion, read_prompt
from gateway.dialects.openai_moderations.demo import demo

DIALECT = Dialect(
    name="openai.moderations",
    family=OPENAI,
    paths=("*/moderations",),
    read_prompt=read_prompt,
    read_completion=read_completion,
    operation="moderations",
    demo=demo,
)

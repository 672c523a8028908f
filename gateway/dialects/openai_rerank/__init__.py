"""`openai.rerank`: documents are ranked, or texts scored, by how well they answer a query."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_rerank.bodies import read_completion, read_prompt

DIALECT = Dialect(
    name="openai.rerank",
    family=OPENAI,
    paths=("*/rerank", "*/score"),
    read_prompt=read_prompt,
    read_completion=read_completion,
    operation="rerank",
)

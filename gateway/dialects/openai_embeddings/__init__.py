"""`openai.embeddings`: texts, or their token ids, become vectors."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_embeddings.bodies import read_completion, read_prompt
from gateway.dialects.openai_embeddings.demo import demo

DIALECT = Dialect(
    name="openai.embeddings",
    family=OPENAI,
    paths=("*/embeddings",),
    read_prompt=read_prompt,
    read_completion=read_completion,
    operation="embeddings",
    demo=demo,
)

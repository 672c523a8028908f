"""`openai.chat`: Chat Completions, as OpenAI documents it and as its imitators extend it."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.bodies import read_prompt
from gateway.dialects.openai_chat.demo import demo
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_chat.stored import read_answer
from gateway.dialects.openai_chat.stream import OpenAIStream
from gateway.dialects.reading.turns import ByTurns

DIALECT = Dialect(
    name="openai.chat",
    family=OPENAI,
    paths=("*/chat/completions", "*/chat/completions/*"),
    stored=(
        "GET */chat/completions/*",
        "DELETE */chat/completions/*",
    ),  # a list is of all agents of an account
    usual_path="/v1/chat/completions",
    read_prompt=read_prompt,
    read_completion=read_answer,
    new_stream=lambda: ByTurns(OpenAIStream()),
    operation="chat",
    demo=demo,
)

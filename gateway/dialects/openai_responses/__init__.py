"""`openai.responses`: the Responses API, new responses and stored ones."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.openai import OPENAI
from gateway.dialects.openai_responses.bodies import read_completion, read_prompt
from gateway.dialects.openai_responses.demo import demo
from gateway.dialects.openai_responses.stream import ResponseStream

DIALECT = Dialect(
    name="openai.responses",
    family=OPENAI,
    paths=("*/responses", "*/responses/compact", "*/responses/input_tokens"),
    stored=("GET */responses/*", "POST */responses/*/cancel", "DELETE */responses/*"),
    usual_path="/v1/responses",
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=ResponseStream,
    late=lambda response: isinstance(response, dict) and response.get("background") is True,
    operation="chat",
    demo=demo,
)

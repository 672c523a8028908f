"""litellm over chat completions, streamed."""

import json

import litellm
from task import FUNCTION, GATEWAY, KEY, TASK, note

litellm.telemetry = False
messages = [{"role": "user", "content": TASK}]
calling = True
while calling:
    pieces = litellm.completion(
        model="openai/gpt-4.1",
        api_base=f"{GATEWAY}/openai/v1",
        api_key=KEY,
        messages=messages,
        tools=[{"type": "function", "function": FUNCTION}],
        stream=True,
    )
    said = litellm.stream_chunk_builder(list(pieces), messages=messages).choices[0].message
    messages.append(said.model_dump(exclude_none=True))
    calling = bool(said.tool_calls)
    for call in said.tool_calls or []:
        result = note(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
print(said.content)

"""AzureOpenAI of the SDK: its paths, its `api-key` header; chat completions, streamed."""

import json

from openai import AzureOpenAI
from task import FUNCTION, GATEWAY, KEY, TASK, note

client = AzureOpenAI(azure_endpoint=f"{GATEWAY}/azure", api_key=KEY, api_version="2025-04-01-preview")
messages = [{"role": "user", "content": TASK}]
calling = True
while calling:
    with client.chat.completions.stream(
        model="gpt-5",
        messages=messages,
        tools=[{"type": "function", "function": {**FUNCTION, "strict": True}}],
    ) as stream:
        said = stream.get_final_completion().choices[0].message
    messages.append(said.model_dump(exclude_none=True))
    calling = bool(said.tool_calls)
    for call in said.tool_calls or []:
        result = note(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
print(said.content)

"""Groq's client, streamed."""

import json

from groq import Groq
from task import FUNCTION, GATEWAY, KEY, TASK, note

client = Groq(base_url=f"{GATEWAY}/openai", api_key=KEY)
messages = [{"role": "user", "content": TASK}]
while True:
    said, call = "", {"id": "", "name": "", "arguments": ""}
    tools = [{"type": "function", "function": FUNCTION}]
    for piece in client.chat.completions.create(model="gpt-oss", messages=messages, tools=tools, stream=True):
        for choice in piece.choices:
            said += choice.delta.content or ""
            for part in choice.delta.tool_calls or []:
                call["id"] = part.id or call["id"]
                call["name"] = part.function.name or call["name"]
                call["arguments"] += part.function.arguments or ""
    if not call["name"]:
        break
    function = {"name": call["name"], "arguments": call["arguments"]}
    made = {"id": call["id"], "type": "function", "function": function}
    messages.append({"role": "assistant", "content": said, "tool_calls": [made]})
    answer = note(**json.loads(call["arguments"]))
    messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})
print(said)

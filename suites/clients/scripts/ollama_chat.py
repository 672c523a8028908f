"""Ollama's own client, streamed."""

import ollama
from task import GATEWAY, KEY, TASK, note

client = ollama.Client(host=f"{GATEWAY}/ollama", headers={"authorization": f"Bearer {KEY}"})
messages = [{"role": "user", "content": TASK}]
while True:
    said, calls = "", []
    for piece in client.chat(model="llama4", messages=messages, tools=[note], stream=True):
        said += piece.message.content or ""
        calls += piece.message.tool_calls or []
    if not calls:
        break
    messages.append({"role": "assistant", "content": said, "tool_calls": calls})
    for call in calls:
        messages.append({"role": "tool", "content": note(**call.function.arguments), "tool_name": "note"})
print(said)

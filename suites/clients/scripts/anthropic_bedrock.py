"""AnthropicBedrock of Anthropic's SDK, streamed, with the tool's result in a second turn."""

from anthropic import AnthropicBedrock
from task import FUNCTION, GATEWAY, KEY, TASK, note

client = AnthropicBedrock(base_url=f"{GATEWAY}/bedrock", api_key=KEY, aws_region="eu-central-1")
tool = {
    "name": FUNCTION["name"],
    "description": FUNCTION["description"],
    "input_schema": FUNCTION["parameters"],
}
messages = [{"role": "user", "content": TASK}]
while True:
    with client.messages.stream(
        model="anthropic.claude-sonnet-5-v1:0", max_tokens=500, tools=[tool], messages=messages
    ) as stream:
        message = stream.get_final_message()
    calls = [block for block in message.content if block.type == "tool_use"]
    if not calls:
        break
    messages.append({"role": "assistant", "content": message.content})
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": note(**call.input)} for call in calls
    ]
    messages.append({"role": "user", "content": results})
print("".join(block.text for block in message.content if block.type == "text"))

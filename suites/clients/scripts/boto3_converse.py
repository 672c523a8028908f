"""boto3's ConverseStream, with the tool's result in a second turn.

Behind TLS all that it takes is AWS_BEARER_TOKEN_BEDROCK with the key. Without TLS boto3 sends no token.
"""

import json

import boto3
from task import FUNCTION, GATEWAY, KEY, TASK, note

client = boto3.client(
    "bedrock-runtime",
    region_name="eu-central-1",
    endpoint_url=f"{GATEWAY}/bedrock",
    aws_access_key_id="any",
    aws_secret_access_key="any",
)
client.meta.events.register(
    "before-sign.bedrock-runtime", lambda request, **_: request.headers.add_header("x-api-key", KEY)
)
spec = {
    "name": FUNCTION["name"],
    "description": FUNCTION["description"],
    "inputSchema": {"json": FUNCTION["parameters"]},
}
tools = {"tools": [{"toolSpec": spec}]}
messages = [{"role": "user", "content": [{"text": TASK}]}]
while True:
    answer = client.converse_stream(
        modelId="anthropic.claude-sonnet-5-v1:0", messages=messages, toolConfig=tools
    )
    call, text, raw, reason = None, "", "", ""
    for event in answer["stream"]:
        if start := event.get("contentBlockStart"):
            call = start["start"]["toolUse"]
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        text += delta.get("text", "")
        raw += delta.get("toolUse", {}).get("input", "")
        reason = event.get("messageStop", {}).get("stopReason", reason)
    if call is None:
        break
    given = json.loads(raw)
    messages.append({"role": "assistant", "content": [{"toolUse": {**call, "input": given}}]})
    result = {"toolUseId": call["toolUseId"], "content": [{"text": note(**given)}]}
    messages.append({"role": "user", "content": [{"toolResult": result}]})
print(text)

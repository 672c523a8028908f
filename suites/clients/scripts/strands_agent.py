"""Strands with Anthropic's API, streamed as it always is."""

from strands import Agent, tool
from strands.models.anthropic import AnthropicModel
from task import GATEWAY, KEY, TASK, note

client = {"base_url": f"{GATEWAY}/anthropic", "api_key": KEY}
model = AnthropicModel(client_args=client, model_id="claude-sonnet-5", max_tokens=512)
print(Agent(model=model, tools=[tool(note)], callback_handler=None)(TASK))

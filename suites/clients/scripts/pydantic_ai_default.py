"""pydantic-ai with the model that `openai:` stands for, streamed."""

import asyncio
import os

from task import GATEWAY, KEY, TASK, note

os.environ.update(OPENAI_BASE_URL=f"{GATEWAY}/openai/v1", OPENAI_API_KEY=KEY)
from pydantic_ai import Agent


async def main() -> None:
    agent = Agent("openai:gpt-5", tools=[note])
    async with agent.run_stream(TASK) as run:
        print("".join([piece async for piece in run.stream_text(delta=True)]))


asyncio.run(main())

"""openai-agents with its defaults: the Responses API, streamed."""

import asyncio

from agents import Agent, Runner, function_tool, set_default_openai_client, set_tracing_disabled
from openai import AsyncOpenAI
from task import GATEWAY, KEY, TASK, note


async def main() -> None:
    set_tracing_disabled(True)
    set_default_openai_client(AsyncOpenAI(base_url=f"{GATEWAY}/openai/v1", api_key=KEY))
    run = Runner.run_streamed(Agent(name="clerk", tools=[function_tool(note)]), TASK)
    async for _ in run.stream_events():
        pass
    print(run.final_output)


asyncio.run(main())

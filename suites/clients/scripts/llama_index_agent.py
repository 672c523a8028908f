"""LlamaIndex's function agent over chat completions, streamed."""

import asyncio

from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.llms.openai import OpenAI
from task import GATEWAY, KEY, TASK, note


async def main() -> None:
    llm = OpenAI(model="gpt-4.1", api_base=f"{GATEWAY}/openai/v1", api_key=KEY)
    run = FunctionAgent(tools=[note], llm=llm).run(TASK)
    async for event in run.stream_events():
        if isinstance(event, AgentStream):
            print(event.delta, end="")
    await run


asyncio.run(main())

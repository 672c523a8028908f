"""LangChain's agent over the Responses API, streamed."""

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from task import GATEWAY, KEY, TASK, note

model = ChatOpenAI(
    model="gpt-5", use_responses_api=True, streaming=True, base_url=f"{GATEWAY}/openai/v1", api_key=KEY
)
agent = create_agent(model, tools=[note])
for piece, _ in agent.stream({"messages": [{"role": "user", "content": TASK}]}, stream_mode="messages"):
    print(piece.text, end="")

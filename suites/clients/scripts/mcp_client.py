"""The official MCP client: it lists the tools of a server and calls one."""

import asyncio
import re

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from task import GATEWAY, KEY, TASK, note


async def main() -> None:
    address, number, token = re.search(r"at (.+?), or on (.+?); her token is (\S+) for", TASK).groups()
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {KEY}"}) as http:
        server = streamable_http_client(f"{GATEWAY}/office/mcp", http_client=http)
        async with Client(server) as client:
            (tool,) = (await client.list_tools()).tools
            arguments = {"address": address, "number": number, "token": token}
            result = (await client.call_tool(tool.name, arguments)).structured_content
    note(result["address"], result["number"])
    print(result)


asyncio.run(main())

"""MCP: a server of tools, resources and prompts as a provider, over streamable HTTP."""

from gateway.dialects.dialect import Dialect, Rpc
from gateway.dialects.mcp.bodies import read_completion, read_prompt
from gateway.dialects.mcp.family import MCP
from gateway.dialects.mcp.mirrored import check, mirror
from gateway.dialects.mcp.sending import addressed, bound, expects_answer, is_endless, replayed, tasks
from gateway.dialects.mcp.stream import MessageStream

DIALECT = Dialect(
    name="mcp",
    family=MCP,
    paths=("*",),
    stored=("GET *", "DELETE *"),  # the stream of what a server says unasked, and the end of a session
    usual_path="/mcp",
    read_prompt=read_prompt,
    read_completion=read_completion,
    new_stream=MessageStream,
    operation="execute_tool",
    rpc=Rpc(check, mirror, bound, expects_answer, addressed, replayed, tasks, is_endless),
)

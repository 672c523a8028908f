"""The extension of MCP for tasks, on both sides of the official SDK: a report that takes a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from mcp.client import ClaimContext, ClientExtension, ResultClaim
from mcp.server.extension import Extension, MethodBinding
from mcp_types import CallToolRequestParams, CallToolResult, Request, RequestParams, Result

NAME = "io.modelcontextprotocol/tasks"


class Begun(Result):
    """What a server answers for the time being."""

    result_type: Literal["task"] = "task"
    task_id: str
    status: str


class TaskParams(RequestParams):
    """The task that is asked for."""

    task_id: str


class GetTask(Request[TaskParams, Literal["tasks/get"]]):
    """Asks how far a task is."""

    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams


class Got(Result):
    """How far a task is, and what came of it."""

    task_id: str
    status: str
    result: dict[str, Any]


class Reports(Extension):
    """The server's side: a call of `report` becomes a task, of which its arguments come."""

    identifier = NAME

    def __init__(self) -> None:
        self._said: list[Any] = []

    def methods(self) -> Sequence[MethodBinding]:
        return [MethodBinding("tasks/get", TaskParams, self._get)]

    async def intercept_tool_call(self, params: CallToolRequestParams, ctx: Any, call_next: Any) -> Any:
        if params.name != "report":
            return await call_next(ctx)
        self._said.append((params.arguments or {})["about"])
        return {"resultType": "task", "taskId": f"report-{len(self._said)}", "status": "working"}

    async def _get(self, _: Any, params: TaskParams) -> dict[str, Any]:
        about = self._said[int(params.task_id.removeprefix("report-")) - 1]
        done = {"content": [{"type": "text", "text": f"a report about {about}"}], "isError": False}
        return {"taskId": params.task_id, "status": "completed", "resultType": "complete", "result": done}


class Waits(ClientExtension):
    """The client's side: it asks for what came of the task. `begun` are the ids that it got."""

    identifier = NAME

    def __init__(self) -> None:
        self.begun: list[str] = []

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Begun, resolve=self._finish)]

    async def _finish(self, begun: Begun, ctx: ClaimContext) -> CallToolResult:
        self.begun.append(begun.task_id)
        got = await ctx.session.send_request(GetTask(params=TaskParams(task_id=begun.task_id)), Got)
        return CallToolResult.model_validate(got.result)

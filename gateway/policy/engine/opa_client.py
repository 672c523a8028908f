"""One question to an OPA server: opa-python-client, taught its Unix socket and our strictness."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import aiohttp
from opa_client.opa_async import AsyncOpaClient  # type: ignore[import-untyped]  # carries no types

from gateway.errors import PolicyError, PolicyUnavailable
from gateway.policy.engine.opa import version_fault

# Without strict errors a failing built-in only switches its rule off; provenance says which policy spoke.
_STRICT = "provenance=true&strict-builtin-errors=true"
_DECISION = f"data/regate/decision?{_STRICT}"
_ASKED = f"data/gateway/asked?{_STRICT}"  # of an OPA of our own: the decision and the tables' revisions
_UNDEFINED = "policy is undefined for this request: expected an object at data.regate.decision"
_JSON = {"Content-Type": "application/json"}
_MAX_ANSWER = 4 * 1024 * 1024  # bytes
_CHUNK = 256 * 1024
_PUT_SECONDS = 20.0  # for tables of any size; decisions go on meanwhile


class AnotherRevision(PolicyUnavailable):
    """A decision, but by a policy that is not the expected one."""


class OpaClient(AsyncOpaClient):  # type: ignore[misc]  # its base is untyped
    """Asks for decisions; never retries, because a late answer is a refusal already."""

    def __init__(
        self, socket: Path, *, token: str, bundle: str, revision: str, timeout_seconds: float
    ) -> None:
        super().__init__(host="opa", port=80, token=token, retries=0, timeout=timeout_seconds)
        self._socket = socket
        self._bundle = bundle
        self._revision = revision

    async def decide(self, document: bytes) -> tuple[object, dict[str, str]]:
        """Return the value of data.regate.decision for an input in JSON, and the revisions of the tables.

        Raises as `ask`.
        """
        result, _ = await self.ask(document, (self._revision,), _ASKED)
        if not isinstance(result, dict) or "decision" not in result:
            raise PolicyError(_UNDEFINED)
        return result["decision"], result["tables"]

    async def put_tables(self, content: bytes) -> None:
        """Have the server read tables, a document in JSON, in the place of those before.

        Raises PolicyUnavailable.
        """
        timeout = aiohttp.ClientTimeout(total=_PUT_SECONDS)
        url = f"{self.root_url}/data/tables"
        status, _ = await self._send("PUT", url, _chunks(content), timeout=timeout)
        if status not in (200, 204):
            raise PolicyUnavailable(f"the policy engine answered {status} to its tables, expected 204")

    async def ask(
        self, document: bytes, revisions: Collection[str], path: str = _DECISION
    ) -> tuple[object, str]:
        """Return the value of data.regate.decision for an input in JSON, and the revision that decided.

        Raises PolicyUnavailable when OPA is away, late, too old, refuses or speaks for another revision, and
        PolicyError when the policy fails or is undefined.
        """
        status, body = await self._send("POST", f"{self.root_url}/{path}", b'{"input":' + document + b"}")
        answer = parse_object(body)
        if status == 500:
            raise PolicyError(f"the policy failed to evaluate: {_failure(answer)}")
        if status != 200:
            raise PolicyUnavailable(f"the policy engine answered {status}, expected 200")
        if answer is None:
            raise PolicyUnavailable("the policy engine answered something else than a JSON object")
        if fault := version_fault(_version_in(answer)):
            raise PolicyUnavailable(f"the policy engine is {fault}")
        revision = self.revision_in(answer)
        if revision not in revisions:
            raise AnotherRevision(
                f"the policy engine decided by another revision than {' or '.join(revisions)}"
            )
        if "result" not in answer:
            raise PolicyError(_UNDEFINED)
        return answer["result"], revision

    async def healthy(self) -> bool:
        """Return whether the server answers and has its bundles."""
        url = f"{self.schema}{self.host}:{self.port}/health"
        healthy: bool = await self.check_health({"bundles": True}, url)
        return healthy

    def revision_in(self, answer: dict[str, Any]) -> str:
        """Return the revision that decided, "" where the answer does not name one."""
        found: Any = answer
        for key in ("provenance", "bundles", self._bundle, "revision"):
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, str) else ""

    async def _send(
        self, method: str, url: str, body: bytes | AsyncIterator[bytes] | None = None, **more: Any
    ) -> tuple[int, bytes]:
        try:
            async with self._request(
                method, url, data=body, headers=_JSON, allow_redirects=False, **more
            ) as response:
                answer = bytearray()
                async for chunk in response.content.iter_any():
                    answer += chunk
                    if len(answer) > _MAX_ANSWER:
                        response.close()
                        raise PolicyUnavailable(f"the policy engine answered more than {_MAX_ANSWER} bytes")
                return response.status, bytes(answer)
        except TimeoutError as error:
            raise PolicyUnavailable(f"the policy engine did not answer within {self.timeout} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise PolicyUnavailable("the policy engine cannot be reached") from error

    async def _init_session(self) -> None:
        """Open the session, over a Unix socket too: the library knows TCP only."""
        self._open_session(aiohttp.UnixConnector(path=str(self._socket), limit=0))

    def _open_session(self, connector: aiohttp.BaseConnector) -> None:
        self._connector = connector
        self._session = aiohttp.ClientSession(
            headers=self.headers,
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
        )


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    """Yield the content in pieces, between which other requests have their turn."""
    for at in range(0, len(content), _CHUNK):
        yield content[at : at + _CHUNK]
        await asyncio.sleep(0)


def parse_object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _version_in(answer: dict[str, Any]) -> str:
    provenance = answer.get("provenance")
    return str(provenance.get("version", "")) if isinstance(provenance, dict) else ""


def _failure(answer: dict[str, Any] | None) -> str:
    """Error codes and places. OPA's messages quote values of the input, so they stay out."""
    errors = (answer or {}).get("errors")
    if not isinstance(errors, list):
        return "no details"
    places = []
    for error in errors:
        if isinstance(error, dict) and isinstance(error.get("location"), dict):
            where = error["location"]
            places.append(f"{error.get('code')} at {where.get('file')}:{where.get('row')}")
    return "; ".join(places) or "no details"

"""Puts the gateway together: each worker makes its collaborators here, and closes them in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gateway import __version__
from gateway.approvals import Approvals
from gateway.audit import Journal, Record, Sealer, new_writer
from gateway.audit.sealing import SealingFailed, load_content_key
from gateway.audit.shipping import keep_shipping, standings
from gateway.candidate import Shadow
from gateway.config import Config, load_server_key
from gateway.detect import DetectionService, Detector
from gateway.errors import RecordingFailed, StateUnavailable
from gateway.exchange import Gateway, Ledger, Services
from gateway.http.admin import admin_routes
from gateway.http.bundles import bundle_routes
from gateway.http.console import console_routes
from gateway.http.data_path import DataPath
from gateway.http.forwarded import Forwarded
from gateway.http.proxy import METHODS, Proxy
from gateway.identity import Identity, open_identity
from gateway.observe import Metrics, Telemetry, open_telemetry
from gateway.oversight import Acts, Evidence, Keyring, Oversight, PinnedTools, local_user, settings_in_force
from gateway.policy import ActiveBundle, Policies, PolicyGauges, Shelf, StatusFile
from gateway.sessions import Sessions, UsageCounters, Windows
from gateway.state import (
    ApprovalStore,
    Keys,
    State,
    TaskHolders,
    ToolPins,
    UsageStore,
    WriterStore,
    open_state,
)
from gateway.upstream import Upstreams, open_session

_GAUGE_SECONDS = 1.0
_REPORT_SECONDS = 0.25
_SHIPPING_SECONDS = 5.0
_log = logging.getLogger("regate.app")


@dataclass(frozen=True, slots=True)
class Worker:
    """What a running worker is made of."""

    gateway: Gateway
    policies: Policies
    journal: Journal
    sealer: Sealer
    state: State
    keys: Keys
    usage: UsageCounters
    approvals: Approvals
    metrics: Metrics
    shadow: Shadow | None
    telemetry: Telemetry | None

    async def problems(self) -> list[str]:
        """Return what keeps this worker from serving; empty when it is ready."""
        problems = []
        status = self.policies.status()
        if not status.ready:
            problems.append(f"policy: no decision can be made: {status.error or 'the engine is not ready'}")
        if self.journal.failure:
            problems.append(f"audit: {self.journal.failure}")
        try:
            await self.state.proven()
        except StateUnavailable as error:
            problems.append(f"state: {error}")
        if self.usage.failure:
            problems.append(f"usage: {self.usage.failure}")
        return problems


@asynccontextmanager
async def open_worker(config: Config) -> AsyncIterator[Worker]:
    """Start everything a worker needs. Raises ConfigError when it cannot start safely."""
    async with AsyncExitStack() as stack:
        # the longest of all beside what waits for disks and child processes
        detecting = asyncio.create_task(asyncio.to_thread(Detector, config.detect), name="detector")
        stack.push_async_callback(_ended, detecting)
        telemetry = open_telemetry(config)
        if telemetry:
            stack.push_async_callback(asyncio.to_thread, telemetry.close)
        key = load_server_key(config.key_path)
        content = load_content_key(config)
        state = open_state(config.state_path)
        stack.callback(state.close)
        if config.audit.receivers:  # it ends after the journal, whose last records it ships
            shipping = asyncio.create_task(keep_shipping(config), name="shipping")
            stack.push_async_callback(_cancel, shipping)
        journal, sealer = await _open_journal(config, state, stack)
        policies = Policies(
            config, logging.getLogger("regate.policy"), activated=_recording(config, Acts(journal))
        )
        stack.push_async_callback(policies.close)
        await policies.start()
        metrics = Metrics()
        shadow = await _start_shadow(config, journal, metrics, stack)
        detector = await detecting
        inspection = DetectionService(detector, config.limits.inspect_seconds)
        stack.push_async_callback(inspection.close)
        if config.detect.ner.enabled:
            inspection.is_warm()  # a language model takes seconds to load
        approvals = Approvals(ApprovalStore(state), journal, key)
        stack.push_async_callback(approvals.close)
        await approvals.start()
        usage = UsageCounters(UsageStore(state), Windows(config.usage.timezone))
        stack.push_async_callback(usage.close)
        await usage.start()
        session = open_session(config.limits.connect_seconds, config.limits.read_seconds)
        stack.push_async_callback(session.close)
        upstreams = Upstreams(config.providers, session, config.root, metrics, config.vault)
        for name, reason in upstreams.disabled.items():
            _log.warning("provider %s is disabled: %s", name, reason)
        if not config.policy.enforce:
            _log.warning("dry run: decisions are recorded and not carried out (policy.enforce is false)")
        keys = Keys(state)
        identity = open_identity(config, keys)
        stack.push_async_callback(identity.close)
        services = Services(
            identity=identity,
            sessions=Sessions(key),
            usage=usage,
            upstreams=upstreams,
            inspection=inspection,
            detector=detector,
            policies=policies,
            approvals=approvals,
            ledger=Ledger(journal, content),
            shadow=shadow,
            pins=ToolPins(state),
            tasks=TaskHolders(state),
        )
        gateway = Gateway(config, key, services)
        watching = asyncio.create_task(_watch(shadow, sealer, metrics), name="gauges")
        stack.push_async_callback(_cancel, watching)
        if config.audit.receivers:
            gauging = asyncio.create_task(_gauge_shipping(config, metrics), name="shipping gauges")
            stack.push_async_callback(_cancel, gauging)
        telling = asyncio.create_task(_tell(policies, config.policy_reports_path), name="policy report")
        stack.push_async_callback(_cancel, telling)
        yield Worker(
            gateway, policies, journal, sealer, state, keys, usage, approvals, metrics, shadow, telemetry
        )


def _recording(config: Config, acts: Acts) -> Callable[[str, str], Awaitable[None]]:
    """Return what records that a policy is in force: from the start, or since an edit was seen."""

    async def activated(revision: str, before: str) -> None:
        said = {"revision": revision, "before": before, "cause": "edit" if before else "start"}
        await acts.note(local_user("gateway"), "policy_activated", **said, path=str(config.policy_path))

    return activated


async def _start_shadow(
    config: Config, journal: Journal, metrics: Metrics, stack: AsyncExitStack
) -> Shadow | None:
    candidate = config.shadow_config
    if candidate is None:
        return None
    shadow = Shadow(candidate, journal, metrics)
    stack.push_async_callback(shadow.close)
    await shadow.start()
    return shadow


async def _open_journal(config: Config, state: State, stack: AsyncExitStack) -> tuple[Journal, Sealer]:
    """Open the journal and its sealer; at the end the segment is closed and a last root signed."""
    signing_key = config.evidence_key_path
    journal = Journal(
        config.audit_path,
        new_writer(),
        key=signing_key,
        segment_bytes=config.audit.segment_bytes,
        segment_seconds=config.audit.segment_seconds,
        remember=WriterStore(state).remember,
    )
    sealer = Sealer.of(config)
    await asyncio.to_thread(journal.start)
    await asyncio.to_thread(sealer.start)
    stack.push_async_callback(_close_journal, journal, sealer)
    await Acts(journal).note(
        local_user("gateway"), "started", version=__version__, settings=settings_in_force(config)
    )
    sealing = asyncio.create_task(sealer.run(), name="sealer")
    stack.push_async_callback(_cancel, sealing)
    return journal, sealer


async def _close_journal(journal: Journal, sealer: Sealer) -> None:
    try:
        with contextlib.suppress(RecordingFailed):
            journal.enqueue(Record(kind="gateway", code="stopped"))
        await asyncio.to_thread(journal.close)
        await asyncio.to_thread(sealer.seal, sign=True)
    except (RecordingFailed, SealingFailed, OSError) as error:
        _log.error("the journal could not be closed and sealed: %s", error)


async def _watch(shadow: Shadow | None, sealer: Sealer, metrics: Metrics) -> None:
    while True:
        _gauge_shadow(shadow, metrics)
        metrics.anchored(well=sealer.well())
        await asyncio.sleep(_GAUGE_SECONDS)


async def _gauge_shipping(config: Config, metrics: Metrics) -> None:
    while True:
        with contextlib.suppress(OSError):  # told by the log, and by what cannot be recorded
            found = await asyncio.to_thread(
                lambda: list(standings(config.audit_path, config.audit.receivers))
            )
            for one in found:
                metrics.shipping(one.receiver, one.behind, failing=bool(one.state.failure))
        await asyncio.sleep(_SHIPPING_SECONDS)


async def _tell(policies: Policies, folder: Path) -> None:
    """Keep `regate policy status` informed. A report that cannot be written stops nothing but itself."""
    try:
        with contextlib.closing(StatusFile(folder)) as report:
            while True:
                report.say(policies.status())
                await asyncio.sleep(_REPORT_SECONDS)
    except OSError as error:
        _log.error("the policy's status cannot be written to %s: %s", folder, error.strerror)


def _gauge_shadow(shadow: Shadow | None, metrics: Metrics) -> None:
    if shadow:
        candidate = shadow.status()
        metrics.shadow_ready(ready=candidate.ready and not candidate.error)


async def _ended(task: asyncio.Task[Detector]) -> None:
    await asyncio.gather(task, return_exceptions=True)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def create_app(config: Config, worker: Worker) -> Starlette:
    """Return the ASGI application of one worker."""
    gauges = PolicyGauges(worker.policies.status)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        problems = await worker.problems()
        policy = worker.policies.status()
        body = {"ready": not problems, "version": __version__, "problems": problems, "policy": asdict(policy)}
        if worker.shadow:  # a broken shadow policy does not affect readiness
            body["shadow"] = asdict(worker.shadow.status())
        return Response(
            orjson.dumps(body), status_code=503 if problems else 200, media_type="application/json"
        )

    async def exposition(_: Request) -> Response:
        _gauge_shadow(worker.shadow, worker.metrics)
        body = worker.metrics.exposition() + gauges.exposition()
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    watching = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", exposition)]
    routes = [*watching, *_for_people(config, worker)]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    proxy = Proxy(
        worker.gateway,
        worker.metrics,
        worker.telemetry,
        limit=config.limits.body_bytes,
        held_bytes=config.limits.held_bytes,
        enforced=config.policy.enforce,
    )
    app.router.default = _for_browsers(proxy, config.cors_origins)
    app.add_middleware(DataPath, serve=app.router.default, routes=routes)
    app.add_middleware(Forwarded, trusted=config.trusted_networks, showing=config.certificate_networks)
    return app


def _for_browsers(proxy: Proxy, origins: Sequence[str]) -> ASGIApp:
    """Let pages of these origins call providers. A preflight is answered here, and needs no key."""
    if not origins:
        return proxy
    return CORSMiddleware(
        proxy,
        allow_origins=origins,
        allow_methods=sorted(METHODS),
        allow_headers=("*",),
        expose_headers=("*",),
    )


def _for_people(config: Config, worker: Worker) -> list[BaseRoute]:
    """The admin API and the console, two faces of the same functions; and the bundles, for OPAs."""
    identity = Identity(worker.keys)
    oversight = Oversight(
        identity,
        worker.approvals,
        Evidence(config.audit_path),
        Keyring(worker.keys, worker.approvals, worker.journal),
        worker.policies,
        PinnedTools(ToolPins(worker.state), worker.journal),
    )
    active = ActiveBundle(worker.policies, config.signing_key_path)
    return [
        *admin_routes(oversight),
        *console_routes(oversight, load_server_key(config.key_path)),
        *bundle_routes(identity, Shelf(config.bundles_path), active),
    ]

"""The front door: opens the rooms in order, serves them, and closes them in order."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, Final, Self

from trigger_box import log
from trigger_box.access.access import open_access
from trigger_box.api.asgi import ASGIApp
from trigger_box.api.authentication import Authenticator
from trigger_box.api.build import build_app
from trigger_box.api.origins import Origins
from trigger_box.api.rooms import Rooms
from trigger_box.api.server import Server, listen
from trigger_box.api.signing import Signer
from trigger_box.api.streams import Streams
from trigger_box.clock import Clock, SystemClock
from trigger_box.domain.errors import UnavailableError
from trigger_box.engine import keepers
from trigger_box.engine.core import open_core
from trigger_box.ids import IdSource
from trigger_box.settings import LogFormat, Settings
from trigger_box.store.folder import DataFolder
from trigger_box.store.store import Store
from trigger_box.telemetry.telemetry import open_telemetry
from trigger_box.version import VERSION

_log = log.get("app")

_READY_S_MAX: Final = 30.0
_ANSWER_BYTES: Final = 64
# Python looks for cycles after 700 new objects, which is a dozen requests here and took a twelfth
# of the time under load. Reference counts free nearly everything at once.
_CYCLES_AFTER: Final = (10_000, 20, 50)


class RoomFailedError(UnavailableError):
    """A part of the box failed, so all of it stops. The last log line says what happened."""

    code = "room_failed"


class Box:
    """An open box: everything but the network. Use it as an async context manager.

    Entering opens the data folder, then the rooms from the bottom up, and starts the keepers;
    leaving stops and closes them in the opposite order. If a keeper failed, its error comes out of
    the ``async with``; whoever runs the box waits for ``failed`` meanwhile.
    """

    rooms: Rooms

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, ids: IdSource | None = None
    ) -> None:
        self._settings = settings
        self._clock: Clock = clock or SystemClock()
        self._ids = ids or IdSource(self._clock)
        self._stack = AsyncExitStack()
        self._keeping: asyncio.Future[None]
        self.streams = Streams()
        self.origins = Origins(public_url=settings.public_url)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            store = await Store.open(DataFolder(self._settings.data_dir))
            stack.push_async_callback(store.close)
            access = await open_access(store, self._clock, self._ids, store.folder.keys)
            stack.callback(access.close)
            core = await open_core(store, clock=self._clock, ids=self._ids)
            await keepers.catch_up(core)
            telemetry = await open_telemetry(
                store, clock=self._clock, kept_days=self._settings.telemetry_days
            )
            stack.push_async_callback(telemetry.close)
            self.rooms = Rooms(
                settings=self._settings,
                clock=self._clock,
                ids=self._ids,
                store=store,
                access=access,
                core=core,
                telemetry=telemetry,
                origins=self.origins,
                streams=self.streams,
                authenticator=Authenticator(access, self.origins),
                signer=Signer(access, self._clock),
            )
            self._keeping = asyncio.ensure_future(self._keep())
            # All is open: from here on, leaving closes it.
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        async with self._stack:
            await self.streams.close()
            self._keeping.cancel()
            # What already goes wrong says more than what a keeper says to it.
            with suppress(asyncio.CancelledError, *([] if kind is None else [Exception])):
                await self._keeping

    async def failed(self) -> None:
        """Wait until a room gives up, most likely for ever.

        Raises:
            RoomFailedError: one did: the box can't go on.
        """
        try:
            await asyncio.shield(self._keeping)
        except Exception as error:
            _log.exception("room.failed")
            raise RoomFailedError from error

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as group:
            keepers.keep(self.rooms.core, group)
            group.create_task(self.rooms.telemetry.keep(), name="telemetry")
            await asyncio.Event().wait()

    async def claim_link(self) -> str | None:
        """Return the one link that makes its opener the owner; None once the box has an owner."""
        token = await self.rooms.access.offer_claim()
        return None if token is None else f"{self.origins.default}/claim?token={token}"


def asgi_app(box: Box) -> ASGIApp:
    """Return the HTTP application of an open box. It can be called in process, as tests do."""
    return build_app(box.rooms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is told once requests are answered. ``claim_link`` is None once the box has an owner."""

    origin: str
    claim_link: str | None


async def serve(settings: Settings, *, on_ready: Callable[[Ready], None]) -> None:
    """Run a box until SIGTERM or SIGINT, then stop in order.

    Args:
        settings: where to keep data, where to listen.
        on_ready: called once requests are answered.

    Raises:
        BoxError: the data folder or the address can't be used; the message is one sentence.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    log.configure(
        json={LogFormat.AUTO: None, LogFormat.JSON: True, LogFormat.CONSOLE: False}[
            settings.log_format
        ],
        level=settings.log_level,
    )
    # Listen first: callers that come while the box starts wait in the kernel instead of failing.
    with listen(settings.host, settings.port) as listener:
        async with Box(settings) as box:
            server = Server(
                asgi_app(box), listener, streams=box.streams, stop_s=settings.stop_seconds
            )
            box.origins.address = server.address
            address_file = box.rooms.store.folder.run / "address"
            serving = asyncio.ensure_future(server.serve())
            try:
                await _until_answering(server.address)
                address_file.write_text(f"http://{server.address}\n", encoding="utf-8")
                on_ready(Ready(origin=box.origins.default, claim_link=await box.claim_link()))
                _log.info("box.started", version=VERSION, address=server.address)
                look_for_cycles_less_often()
                await _first_of(stopping.wait(), box.failed(), _ended(serving))
                _log.info("box.stopping")
            finally:
                await server.stop(serving)
                address_file.unlink(missing_ok=True)
    _log.info("box.stopped")


def look_for_cycles_less_often() -> None:
    """Tune Python's collector for this process: what is loaded by now stays for good."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_CYCLES_AFTER)


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when the first of them is over; its error is ours."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()


async def _ended(serving: asyncio.Future[None]) -> None:
    await asyncio.shield(serving)


async def _until_answering(address: str) -> None:
    """Return once the server answers a request over the network."""
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(_READY_S_MAX):
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        try:
            writer.write(
                f"GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n".encode()
            )
            await writer.drain()
            answer = await reader.read(_ANSWER_BYTES)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
    if b" 200 " not in answer:
        raise RuntimeError(f"the box does not answer its own health check: {answer!r}")

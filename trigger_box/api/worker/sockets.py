"""The Socket.IO connections of workers: who may join, which runs they follow, what they are told.

Only a short cut: a worker that hears nothing looks by itself every five seconds. So nothing here is
stored, repeated or confirmed. Source: cli-protocol 9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from litestar.types import HTTPDisconnectEvent
from litestar.types import Send as LitestarSend

from trigger_box import log
from trigger_box.access.actors import Environment, EnvironmentType
from trigger_box.api.asgi import Receive, Scope, Send
from trigger_box.api.authentication import SECRET, environment_of
from trigger_box.api.rooms import Rooms
from trigger_box.api.streams import CallerLostError, bounded
from trigger_box.api.worker import socketio
from trigger_box.domain.errors import BoxError, DeniedError
from trigger_box.engine.gone import Gone
from trigger_box.ids import new_secret

_log = log.get("api")

DEV_WORKER: Final = "/dev-worker"
PING_S: Final = 25.0
PONG_S_MAX: Final = 20.0
PACKET_CHARACTERS_MAX: Final = 1_000_000
FOLLOWED_RUNS_MAX: Final = 1_000
_SID_CHARACTERS: Final = 20


class WorkerSockets:
    """The ASGI app behind ``/socket.io/``."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection until either side ends it."""
        await receive()  # websocket.connect
        connection = _Connection(self._rooms, scope, receive, send)
        over = asyncio.Event()

        async def until_over() -> HTTPDisconnectEvent:
            await over.wait()
            return {"type": "http.disconnect"}

        # Counted among the streams: the server can't stop while a connection is open.
        with self._rooms.streams.watch(until_over) as stopping:
            try:
                await connection.serve(stopping)
            finally:
                over.set()


class _OverError(Exception):
    """The connection has ended, or is not worth keeping."""


class _Connection:
    """One worker's connection. Ends without a goodbye: after one, the client would stay away."""

    def __init__(self, rooms: Rooms, scope: Scope, receive: Receive, send: Send) -> None:
        self._rooms = rooms
        self._scope = scope
        self._receive = receive
        self._send = send
        self._sid = new_secret("", _SID_CHARACTERS)
        self._environment: Environment | None = None
        # Ordered, so that the oldest can be forgotten.
        self._followed: dict[str, None] = {}
        self._ponged = asyncio.Event()

    async def serve(self, stopping: Gone) -> None:
        """Talk until the client leaves, falls silent, or the box stops."""
        await self._send({"type": "websocket.accept"})
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_end_when(stopping))
                group.create_task(self._keep_alive())
                group.create_task(self._listen(group))
        except* (_OverError, CallerLostError):
            pass

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise _OverError
            text = message.get("text")
            if not isinstance(text, str) or len(text) > PACKET_CHARACTERS_MAX:
                raise _OverError
            try:
                packet = socketio.parse(text)
            except ValueError:
                raise _OverError from None
            if packet is not None:
                await self._take(packet, group)

    async def _take(self, packet: socketio.Incoming, group: asyncio.TaskGroup) -> None:
        match packet.kind:
            case socketio.Kind.PONG:
                self._ponged.set()
            case socketio.Kind.CONNECT:
                await self._join(packet.namespace, group)
            case socketio.Kind.DISCONNECT:
                raise _OverError
            case socketio.Kind.EVENT:
                if packet.namespace == DEV_WORKER and self._environment is not None:
                    self._follow(packet.name, packet.value)
                if packet.ack:
                    await self._say(socketio.acknowledged(packet.namespace, ack=packet.ack))

    async def _join(self, namespace: str, group: asyncio.TaskGroup) -> None:
        if namespace != DEV_WORKER:
            await self._say(socketio.refused(namespace, reason="Invalid namespace"))
            return
        try:
            environment = await self._identified()
        except BoxError as error:
            await self._say(socketio.refused(namespace, reason=error.message))
            return
        is_new = self._environment is None
        self._environment = environment
        await self._say(socketio.welcomed(namespace, sid=self._sid))
        if is_new:
            group.create_task(self._notify(environment))
            _log.debug("worker_socket.joined", environment_id=environment.id)

    async def _identified(self) -> Environment:
        caller = await self._rooms.authenticator.identify(self._scope, SECRET)
        environment = environment_of(caller)
        if environment.type is not EnvironmentType.DEVELOPMENT:
            raise DeniedError("Only development workers connect here")
        return environment

    def _follow(self, name: str, value: object) -> None:
        """Take note of which runs this worker has. It repeats its full list; once is enough."""
        runs = _run_ids(value)
        if name == "run:subscribe":
            for run_id in runs:
                self._followed[run_id] = None
            while len(self._followed) > FOLLOWED_RUNS_MAX:
                del self._followed[next(iter(self._followed))]
        elif name == "run:unsubscribe":
            for run_id in runs:
                self._followed.pop(run_id, None)

    async def _notify(self, environment: Environment) -> None:
        with self._rooms.core.bus.notifications(environment.id) as notifications:
            while True:
                for run_id in await notifications.next():
                    if run_id in self._followed:
                        value = {"version": "1", "run": {"friendlyId": run_id}}
                        await self._say(socketio.event(DEV_WORKER, "run:notify", value))

    async def _keep_alive(self) -> None:
        await self._say(
            socketio.opened(
                sid=self._sid,
                ping_interval_s=PING_S,
                ping_timeout_s=PONG_S_MAX,
                bytes_max=PACKET_CHARACTERS_MAX,
            )
        )
        while True:
            await asyncio.sleep(PING_S)
            self._ponged.clear()
            await self._say(socketio.PING)
            try:
                async with asyncio.timeout(PONG_S_MAX):
                    await self._ponged.wait()
            except TimeoutError:
                raise _OverError from None

    async def _say(self, text: str) -> None:
        await bounded(cast("LitestarSend", self._send), {"type": "websocket.send", "text": text})


async def _end_when(stopping: Gone) -> None:
    await stopping.wait()
    raise _OverError


def _run_ids(value: object) -> list[str]:
    """Return the run ids in a client's event; anything of another shape names none."""
    if not isinstance(value, Mapping):
        return []
    named = cast("Mapping[str, Any]", value)
    runs: object = named.get("runFriendlyIds")
    if not isinstance(runs, list):
        return []
    return [run for run in cast("list[object]", runs)[:FOLLOWED_RUNS_MAX] if isinstance(run, str)]

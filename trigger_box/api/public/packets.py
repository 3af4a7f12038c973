"""Packets that clients upload and download themselves: addresses to do so, and what is behind them.

Source: rest-api 9 (offload), 13.11. The content type of an upload is told back byte for byte: the
client compares it, and a charset would make it read text where a value was stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final
from urllib.parse import unquote_to_bytes

from litestar import Response, get, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler, Receive, Scope, Send
from msgspec import Struct

from trigger_box.access.actors import Environment
from trigger_box.api.authentication import NOBODY, SECRET, SECRET_OR_PUBLIC
from trigger_box.api.problems import BodyTooLargeError
from trigger_box.api.rooms import ApiRequest, Rooms, TheEnvironment, TheRooms
from trigger_box.api.signing import PREFIX, Grant, Method
from trigger_box.api.streams import CallerLostError, bounded
from trigger_box.domain import limits
from trigger_box.domain.errors import PacketNotFoundError
from trigger_box.engine import stored_packets
from trigger_box.engine.stored_packets import PacketPathError, StoredFile
from trigger_box.ids import EnvironmentId
from trigger_box.store.blobs import NewBlob

_V2: Final = "/api/v2/packets/"
_V1: Final = "/api/v1/packets/"
_PIECE_BYTES: Final = 256 * 1024
_TYPE_DEFAULT: Final = "application/octet-stream"
_TYPE_CHARACTERS_MAX: Final = 256


class UploadAnswer(Struct, rename="camel"):
    """Where to upload, and the path to name the packet by afterwards."""

    presigned_url: str
    storage_path: str


class AddressAnswer(Struct, rename="camel"):
    """Where to download."""

    presigned_url: str


@put(_V2 + "{filename:path}", opt={"auth": SECRET}, summary="Ask where to upload a packet")
async def upload_address(
    request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> UploadAnswer:
    """Return a signed address for one upload, good for five minutes."""
    path = _path_in(request, _V2)
    return UploadAnswer(
        presigned_url=_address(rooms, request, environment, path, "PUT"), storage_path=path
    )


@put(_V1 + "{filename:path}", opt={"auth": SECRET}, summary="Ask where to upload a packet (old)")
async def old_upload_address(
    request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> AddressAnswer:
    """Return a signed address for one upload, in the shape older SDKs read."""
    path = _path_in(request, _V1)
    return AddressAnswer(presigned_url=_address(rooms, request, environment, path, "PUT"))


@get(_V1 + "{filename:path}", opt={"auth": SECRET_OR_PUBLIC}, summary="Ask where to download")
async def download_address(
    request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> AddressAnswer:
    """Return a signed address for downloading a packet, good for five minutes."""
    path = _path_in(request, _V1)
    return AddressAnswer(presigned_url=_address(rooms, request, environment, path, "GET"))


@put(
    PREFIX + "{environment_id:str}/{filename:path}",
    opt={"auth": NOBODY},
    summary="Upload a packet to a signed address",
)
async def upload(
    request: ApiRequest, rooms: TheRooms, environment_id: FromPath[str]
) -> Response[bytes]:
    """Store the body, with its content type. The address itself is the permission."""
    path = _checked(request, rooms, EnvironmentId(environment_id), "PUT")
    blob = await asyncio.to_thread(rooms.store.blobs.begin)
    try:
        await _receive_into(blob, request)
        digest = await asyncio.to_thread(blob.keep)
    finally:
        await asyncio.to_thread(blob.drop)
    content_type = request.headers.get("content-type", _TYPE_DEFAULT)[:_TYPE_CHARACTERS_MAX]
    await stored_packets.keep(
        rooms.core,
        EnvironmentId(environment_id),
        path,
        StoredFile(type=content_type, blob=digest, bytes=blob.bytes),
    )
    return Response(b"", status_code=200, media_type=_TYPE_DEFAULT)


@get(
    PREFIX + "{environment_id:str}/{filename:path}",
    opt={"auth": NOBODY},
    summary="Download a packet from a signed address",
)
async def download(
    request: ApiRequest, rooms: TheRooms, environment_id: FromPath[str]
) -> ASGIResponse:
    """Return the packet's bytes with the content type of its upload, unchanged."""
    path = _checked(request, rooms, EnvironmentId(environment_id), "GET")
    file = await stored_packets.find(rooms.core, EnvironmentId(environment_id), path)
    return _FileAnswer(rooms, file)


def _path_in(request: ApiRequest, prefix: str) -> str:
    """Return the path after ``prefix``: decoded once as a whole, so that ``%252F`` stays ``%2F``.

    Clients send it as one segment or with slashes as they are (rest-api 13.11).
    """
    raw: bytes = request.scope["raw_path"]
    try:
        return stored_packets.checked_path(unquote_to_bytes(raw[len(prefix) :]).decode())
    except UnicodeDecodeError as error:
        raise PacketPathError from error


def _address(
    rooms: Rooms, request: ApiRequest, environment: Environment, path: str, method: Method
) -> str:
    grant = Grant(method=method, environment_id=environment.id, path=path)
    return rooms.signer.address(rooms.origin_of(request), grant)


def _checked(
    request: ApiRequest, rooms: Rooms, environment_id: EnvironmentId, method: Method
) -> str:
    path = _path_in(request, f"{PREFIX}{environment_id}/")
    grant = Grant(method=method, environment_id=environment_id, path=path)
    rooms.signer.check(grant, request.scope["query_string"])
    return path


async def _receive_into(blob: NewBlob, request: ApiRequest) -> None:
    """Write the body to disk as it comes.

    Raises:
        BodyTooLargeError: it is longer than a packet may be.
        ConnectionResetError: the caller hung up in the middle.
    """
    waiting = bytearray()
    async for piece in _pieces(request.receive):
        waiting += piece
        if blob.bytes + len(waiting) > limits.PACKET_UPLOAD_BYTES_MAX:
            raise BodyTooLargeError(limit_bytes=limits.PACKET_UPLOAD_BYTES_MAX)
        if len(waiting) >= _PIECE_BYTES:
            await asyncio.to_thread(blob.add, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(blob.add, bytes(waiting))


async def _pieces(receive: Receive) -> AsyncGenerator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionResetError("the caller hung up before the body was complete")
        yield message["body"]
        if not message.get("more_body"):
            return


class _FileAnswer(ASGIResponse):
    """A blob sent piece by piece. A caller that takes nothing any more is given up."""

    __slots__ = ("_file", "_rooms")

    def __init__(self, rooms: Rooms, file: StoredFile) -> None:
        super().__init__()
        self._rooms = rooms
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        del scope, receive
        path = self._rooms.store.blobs.path(self._file.blob)
        try:
            source = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError as error:
            raise PacketNotFoundError from error
        try:
            headers = [
                (b"content-type", self._file.type.encode("latin-1", "replace")),
                (b"content-length", b"%d" % self._file.bytes),
                (b"cache-control", b"private, no-store"),
                # What somebody uploaded is never a page of ours.
                (b"x-content-type-options", b"nosniff"),
                (b"content-security-policy", b"sandbox; default-src 'none'"),
            ]
            await bounded(send, {"type": "http.response.start", "status": 200, "headers": headers})
            has_more = True
            while has_more:
                piece = await asyncio.to_thread(source.read, _PIECE_BYTES)
                has_more = len(piece) == _PIECE_BYTES
                await bounded(
                    send, {"type": "http.response.body", "body": piece, "more_body": has_more}
                )
        except CallerLostError:
            return
        finally:
            await asyncio.to_thread(source.close)


routes: list[ControllerRouterHandler] = [
    upload_address,
    old_upload_address,
    download_address,
    upload,
    download,
]

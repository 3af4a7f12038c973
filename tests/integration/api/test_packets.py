"""Packets that clients upload themselves: addresses, signatures, exact types."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.integration.api.life import a_version, started, taken, triggered
from tests.support.box import ORIGIN, TestBox, a_box
from trigger_box.engine.replay import replay

NAME = "trigger%2Fpacket_abc%2Fpayload.json"
PATH = "trigger/packet_abc/payload.json"


def local(url: str) -> str:
    """Return an address without its origin, for the client in process."""
    assert url.startswith(ORIGIN)
    return url.removeprefix(ORIGIN)


async def put_address(client: httpx.AsyncClient, name: str = NAME) -> str:
    answer = await client.put(f"/api/v2/packets/{name}")
    assert answer.status_code == 200, answer.text
    return local(answer.json()["presignedUrl"])


async def get_address(client: httpx.AsyncClient, name: str = NAME) -> str:
    answer = await client.get(f"/api/v1/packets/{name}")
    assert answer.status_code == 200, answer.text
    return local(answer.json()["presignedUrl"])


async def uploaded(box: TestBox, content: bytes, content_type: str, name: str = NAME) -> None:
    answer = await box.nobody.put(
        await put_address(box.dev, name), content=content, headers={"content-type": content_type}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/super+json", "application/json", "text/plain", "text/plain;charset=UTF-8"],
)
async def test_what_was_uploaded_comes_back_byte_for_byte_with_its_type(
    tmp_path: Path, content_type: str
) -> None:
    async with a_box(tmp_path) as box:
        await uploaded(box, b'{"json":"\xc3\xa9"}', content_type)

        answer = await box.nobody.get(await get_address(box.dev))

    assert answer.content == b'{"json":"\xc3\xa9"}'
    assert answer.headers["content-type"] == content_type
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_storage_path_is_the_client_s_own(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        encoded = await box.dev.put(f"/api/v2/packets/{NAME}")
        with_slashes = await box.dev.put(f"/api/v2/packets/{PATH}")
        nested = await box.dev.put("/api/v2/packets/trigger%2Fmy%252Ftask%2F1-2%2Fpayload.json")
        older = await box.dev.put(f"/api/v1/packets/{NAME}")

    assert encoded.json()["storagePath"] == with_slashes.json()["storagePath"] == PATH
    assert nested.json()["storagePath"] == "trigger/my%2Ftask/1-2/payload.json"
    assert older.json().keys() == {"presignedUrl"}


@pytest.mark.parametrize(
    "name",
    ["..%2Fkeys", "a%2F..%2Fb", "a%2F%2Fb", "%2Fabsolute", "a%5Cb", "a%2F.", "a%00b", "x" * 1_025],
)
async def test_a_path_that_means_another_place_is_refused(tmp_path: Path, name: str) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.put(f"/api/v2/packets/{name}")

    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid packet storage path"


async def test_a_signed_address_is_good_for_one_method_one_path_and_five_minutes(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        await uploaded(box, b"{}", "application/json")
        upload, download = await put_address(box.dev), await get_address(box.dev)

        refused = [
            await box.nobody.get(upload),
            await box.nobody.put(download, content=b"x"),
            await box.nobody.get(download.replace("packet_abc", "packet_abd")),
            await box.nobody.get(download.replace("expires=1", "expires=2")),
            await box.nobody.get(download.partition("?")[0]),
            await box.nobody.get(download[:-1]),
            await box.nobody.get(
                download.replace(box.environments["dev"].id, box.environments["prod"].id)
            ),
        ]
        box.clock.advance(299_000)
        in_time = await box.nobody.get(download)
        box.clock.advance(1_000)
        over = await box.nobody.get(download)

    assert {answer.status_code for answer in refused} == {403}
    assert in_time.status_code == 200
    assert over.status_code == 403


async def test_the_same_path_of_another_environment_is_another_packet(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await uploaded(box, b"dev only", "text/plain")

        answer = await box.nobody.get(await get_address(box.prod))

    assert answer.status_code == 404


async def test_a_repeated_upload_wins(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await uploaded(box, b"first", "text/plain")
        await uploaded(box, b"second", "application/json")

        answer = await box.nobody.get(await get_address(box.dev))

    assert (answer.content, answer.headers["content-type"]) == (b"second", "application/json")


async def test_a_big_packet_is_streamed_through(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        content = bytes(range(256)) * 12_000 + b"end"
        await uploaded(box, content, "application/octet-stream")

        answer = await box.nobody.get(await get_address(box.dev))

    assert answer.content == content


async def test_a_run_with_an_uploaded_payload_tells_where_it_is(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box)
        await uploaded(box, b'{"json":{"big":1}}', "application/super+json")
        run_id = await triggered(
            box.dev, payload=PATH, options={"payloadType": "application/store", "payloadSize": 18}
        )
        [message] = await taken(box.dev)
        begun = await started(box.dev, message)

        run = (await box.dev.get(f"/api/v3/runs/{run_id}")).json()
        fetched = await box.nobody.get(local(run["payloadPresignedUrl"]))
        narrow = box.client(
            box.rooms.access.public_token(box.environments["dev"], [f"read:runs:{run_id}"])
        )
        scoped = await narrow.get(f"/api/v1/runs/{run_id}/packets/payload")
        no_output = await narrow.get(f"/api/v1/runs/{run_id}/packets/output")

    assert "payload" not in run
    assert fetched.json() == {"json": {"big": 1}}
    assert begun["execution"]["run"]["payload"] == PATH
    assert begun["execution"]["run"]["payloadType"] == "application/store"
    assert scoped.status_code == 200
    assert no_output.status_code == 404


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "a/../b", "a//b", "s3://bucket/a", "never/uploaded.json", "", 5, None]
)
async def test_a_payload_names_a_packet_that_is_there(tmp_path: Path, path: object) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.post(
            "/api/v1/tasks/hello/trigger",
            json={"payload": path, "options": {"payloadType": "application/store"}},
        )
        runs = await box.dev.get("/api/v1/runs")

    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid packet storage path"
    assert answer.json()["code"] == "invalid_packet_path"
    assert runs.json()["data"] == []


async def test_a_payload_uploaded_to_one_environment_is_not_there_in_another(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        await uploaded(box, b"dev only", "text/plain")
        body = {"payload": PATH, "options": {"payloadType": "application/store"}}
        here = await box.dev.post("/api/v1/tasks/hello/trigger", json=body)
        there = await box.prod.post("/api/v1/tasks/hello/trigger", json=body)

    assert here.status_code == 200
    assert there.status_code == 400
    assert "environment" in there.json()["details"]["reason"]


async def test_a_replay_in_another_environment_brings_the_uploaded_payload_along(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        await uploaded(box, b"big", "text/plain")
        run_id = await triggered(
            box.dev, payload=PATH, options={"payloadType": "application/store"}
        )

        made = await replay(
            box.rooms.core, box.environments["dev"], run_id, into=box.environments["prod"]
        )
        run = (await box.prod.get(f"/api/v3/runs/{made.run_id}")).json()
        fetched = await box.nobody.get(local(run["payloadPresignedUrl"]))

    assert fetched.content == b"big"


async def test_addresses_name_the_origin_the_caller_used(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.put(
            f"/api/v2/packets/{NAME}", headers={"host": "host.containers.internal:3030"}
        )

    assert answer.json()["presignedUrl"].startswith("http://host.containers.internal:3030/packets/")


async def test_what_was_uploaded_is_no_page_of_ours(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await uploaded(box, b"<script>alert(1)</script>", "text/html")

        answer = await box.nobody.get(await get_address(box.dev))

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]

"""Traps of transport (rest-api 2 and 15): odd content types, encodings, methods, other sites."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.api.life import triggered
from tests.support.box import a_box
from trigger_box.domain import limits


@pytest.mark.parametrize("content_type", ["text/plain;charset=UTF-8", "application/xml", ""])
async def test_json_is_read_under_any_label(tmp_path: Path, content_type: str) -> None:
    async with a_box(tmp_path) as box:
        headers = {"content-type": content_type}
        run_id = (
            await box.dev.post(
                "/api/v1/tasks/hello/trigger", content=b'{"payload":1}', headers=headers
            )
        ).json()["id"]
        tagged = await box.dev.post(
            f"/api/v1/runs/{run_id}/tags", content=b'{"tags":["a"]}', headers=headers
        )
        dequeued = await box.dev.post("/engine/v1/dev/dequeue", content=b"{}", headers=headers)

    assert tagged.status_code == 200
    assert dequeued.status_code == 200


async def test_a_get_may_be_labelled_json_and_have_no_body(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.get("/api/v1/runs", headers={"content-type": "application/json"})

    assert answer.status_code == 200


async def test_a_post_may_be_labelled_json_and_have_no_body(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev)
        headers = {"content-type": "application/json", "content-length": "0"}

        cancelled = await box.dev.post(f"/api/v2/runs/{run_id}/cancel", headers=headers)
        replayed = await box.dev.post(f"/api/v1/runs/{run_id}/replay", headers=headers)

    assert cancelled.status_code == 200
    assert replayed.status_code == 200


async def test_a_body_is_counted_when_it_does_not_say_its_length(tmp_path: Path) -> None:
    async def pieces():
        for _ in range(limits.TRIGGER_BODY_BYTES_MAX // 65_536 + 1):
            yield b" " * 65_536

    async with a_box(tmp_path) as box:
        answer = await box.dev.post("/api/v1/tasks/hello/trigger", content=pieces())

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/api/v1/tasks/hello/trigger", "POST"),
        ("DELETE", "/engine/v1/dev/dequeue", "POST"),
        ("POST", "/api/v3/runs/run_1", "GET"),
        ("DELETE", "/api/v1/runs/run_1/metadata", "GET, PUT"),
        ("GET", "/api/v2/runs/run_1/cancel", "POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    tmp_path: Path, method: str, path: str, allow: str
) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == allow
    assert answer.json()["error"] == "Method not allowed"


@pytest.mark.parametrize("path", ["/nothing", "/api/v9/runs", "/api/v1/tasks/a/b/trigger", "/api"])
async def test_an_unknown_route_is_a_json_404_that_is_not_retried(
    tmp_path: Path, path: str
) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.post(path, json={})

    assert answer.status_code == 404
    assert answer.json()["error"]
    assert answer.headers["x-should-retry"] == "false"


async def test_head_tells_what_get_would_without_the_body(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev)
        path = f"/api/v3/runs/{run_id}"

        head, get = await box.dev.head(path), await box.dev.get(path)
        missing = await box.dev.head("/api/v3/runs/run_unknown")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] == get.headers["content-length"]
    assert missing.status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/tasks/hello/trigger", "/api/v3/runs/run_1"])
async def test_any_site_may_ask_whether_it_may_call(tmp_path: Path, path: str) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.nobody.options(
            path,
            headers={
                "origin": "https://shop.example",
                "access-control-request-method": "PUT",
                "access-control-request-headers": "authorization,x-trigger-source",
            },
        )

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "PUT"
    assert answer.headers["access-control-allow-headers"] == "authorization,x-trigger-source"
    assert answer.headers["access-control-max-age"] == "300"


async def test_answers_and_errors_can_be_read_by_other_sites(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answers = [
            await box.dev.post("/api/v1/tasks/hello/trigger", json={}),
            await box.nobody.post("/api/v1/tasks/hello/trigger", json={}),
            await box.dev.get("/api/v1/runs"),
            await box.dev.get("/api/v3/runs/run_unknown"),
            await box.dev.get("/nothing"),
        ]

    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"]
        assert "x-trigger-jwt" in exposed
        assert "x-should-retry" in exposed


async def test_the_dashboard_s_own_routes_can_not_be_read_by_other_sites(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.nobody.get(
            "/dashboard/api/session", headers={"origin": "https://evil.example"}
        )

    assert "access-control-allow-origin" not in answer.headers


async def test_the_branch_header_is_ignored_where_there_are_no_branches(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        prod = await box.prod.get("/api/v1/runs", headers={"x-trigger-branch": "feature/x"})
        dev = await box.dev.get("/api/v1/runs", headers={"x-trigger-branch": "default"})

    assert prod.status_code == 200
    assert dev.status_code == 200

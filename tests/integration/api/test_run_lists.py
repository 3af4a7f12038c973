"""Lists of runs over HTTP: filters, pages, projects (rest-api 7, 13.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.api.life import a_version, finished, triggered
from tests.support.box import TestBox, a_box


async def listed(client: httpx.AsyncClient, path: str = "/api/v1/runs", **query: str) -> Any:
    answer = await client.get(path, params=query, headers={"x-trigger-api-version": "2025-07-16"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(page: Any) -> list[str]:
    return [run["id"] for run in page["data"]]


async def five_runs(box: TestBox) -> list[str]:
    """Make five runs a second apart; return their ids, newest first."""
    made: list[str] = []
    for number in range(5):
        made.insert(0, await triggered(box.dev, options={"metadata": {"n": number}}))
        box.clock.advance(1_000)
    return made


async def test_a_list_is_newest_first_and_carries_metadata_but_no_payload(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        made = await five_runs(box)

        page = await listed(box.dev)

    assert ids(page) == made
    assert page["pagination"] == {}
    assert page["data"][0]["metadata"] == {"n": 4}
    assert page["data"][0]["env"] == {"id": box.environments["dev"].id, "name": "dev"}
    assert "payload" not in page["data"][0]


async def test_pages_go_forward_and_back(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        made = await five_runs(box)

        first = await listed(box.dev, **{"page[size]": "2"})
        second = await listed(
            box.dev, **{"page[size]": "2", "page[after]": first["pagination"]["next"]}
        )
        third = await listed(
            box.dev, **{"page[size]": "2", "page[after]": second["pagination"]["next"]}
        )
        back = await listed(
            box.dev, **{"page[size]": "2", "page[before]": third["pagination"]["previous"]}
        )

    assert ids(first) + ids(second) + ids(third) == made
    assert first["pagination"].keys() == {"next"}
    assert second["pagination"].keys() == {"next", "previous"}
    assert third["pagination"].keys() == {"previous"}
    assert ids(back) == ids(second)


async def test_each_filter_finds_its_runs(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box, "hello", "other")
        done = await triggered(box.dev, options={"tags": ["user:1"]})
        await finished(box.dev, done)
        box.clock.advance(60_000)
        waiting = await triggered(box.dev, "other", options={"tags": ["user:2"], "test": True})
        late = await triggered(
            box.dev, options={"delay": "1h", "machine": "large-1x", "queue": {"name": "task/other"}}
        )
        now = str(box.clock.now_ms())
        version = (await listed(box.dev, **{"filter[status]": "COMPLETED"}))["data"][0]["version"]
        found = {
            query: ids(await listed(box.dev, **dict([query.split("=", 1)])))
            for query in (
                "filter[status]=COMPLETED",
                "filter[status]=QUEUED,DELAYED",
                "filter[taskIdentifier]=hello",
                "filter[taskIdentifier]=hello,other",
                "filter[tag]=user:1",
                "filter[tag]=user:1,user:2",
                f"filter[version]={version}",
                "filter[machine]=large-1x",
                "filter[queue]=task/hello",
                "filter[isTest]=true",
                "filter[isTest]=false",
                f"filter[createdAt][from]={now}",
                f"filter[createdAt][to]={int(now) - 1}",
                "filter[createdAt][period]=30s",
                "filter[batch]=batch_1",
                "filter[region]=eu",
                "filter[rootOnly]=true",
            )
        }

    assert list(found.values()) == [
        [done],
        [late, waiting],
        [late, done],
        [late, waiting, done],
        [done],
        [waiting, done],
        [done],
        [late],
        [done],
        [waiting],
        [late, done],
        [late, waiting],
        [done],
        [late, waiting],
        [],
        [],
        [late, waiting, done],
    ]


@pytest.mark.parametrize(
    "query",
    [
        "filter[status]=DONE",
        "filter[machine]=huge",
        "filter[isTest]=1",
        "filter[tags]=a",
        "page[size]=1000",
        "page[after]=junk",
        "page[before]=junk",
    ],
)
async def test_a_bad_filter_is_a_query_error_that_names_it(tmp_path: Path, query: str) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.get(f"/api/v1/runs?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"] == "Query Error"
    assert answer.json()["details"][0]["path"] == [query.split("=", maxsplit=1)[0]]


async def test_a_list_shows_only_its_own_environment(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        in_prod = await triggered(box.prod)

        in_dev_page, in_prod_page = await listed(box.dev), await listed(box.prod)

    assert ids(in_dev_page) == []
    assert ids(in_prod_page) == [in_prod]


async def test_a_member_lists_the_runs_of_a_project(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        assert box.project is not None
        in_dev = await triggered(box.dev)
        box.clock.advance(10)
        in_prod = await triggered(box.prod)
        path = f"/api/v1/projects/{box.project.project.ref}/runs"

        everywhere = await listed(box.person, path)
        only_prod = await listed(box.person, path, **{"filter[env]": "prod,staging"})
        unknown = await box.person.get("/api/v1/projects/proj_unknown/runs")
        no_such = await box.person.get(path, params={"filter[env]": "prod,qa"})

    assert ids(everywhere) == [in_prod, in_dev]
    assert everywhere["data"][1]["env"]["user"] == "owner@example.com"
    assert "user" not in everywhere["data"][0]["env"]
    assert ids(only_prod) == [in_prod]
    assert unknown.status_code == 404
    assert no_such.status_code == 400
    assert no_such.json()["details"][0]["path"] == ["filter[env]"]


async def test_development_runs_are_their_owner_s_own(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        assert box.project is not None
        await triggered(box.dev)
        in_prod = await triggered(box.prod)
        colleague = await box.rooms.access.create_user("colleague@example.com", password=None)
        token = await box.rooms.access.create_token(colleague, "tests")
        path = f"/api/v1/projects/{box.project.project.ref}/runs"

        page = await listed(box.client(token.token), path)

    assert ids(page) == [in_prod]

from __future__ import annotations

from pathlib import Path

import httpx

from tests.support.box import a_box

PROJECT_KEYS = {"id", "externalRef", "name", "slug", "createdAt", "organization"}


async def test_projects_are_listed_and_found_by_their_ref(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        ref = box.project.project.ref
        listed = (await box.person.get("/api/v1/projects")).json()
        one = (await box.person.get(f"/api/v1/projects/{ref}")).json()

        assert listed == [one]
        assert one.keys() == PROJECT_KEYS
        assert one["externalRef"] == ref
        assert one["organization"].keys() == {"id", "title", "slug", "createdAt"}


async def test_an_unknown_project_is_told_in_the_words_that_the_cli_compares(tmp_path: Path):
    async with a_box(tmp_path) as box:
        for path in ("/api/v1/projects/proj_x", "/api/v1/projects/proj_x/dev"):
            answer = await box.person.get(path)

            assert answer.status_code == httpx.codes.NOT_FOUND
            assert answer.json()["error"] == "Project not found"
            assert answer.headers["x-should-retry"] == "false"


async def test_a_project_is_made_in_the_organization_that_is_named(tmp_path: Path):
    async with a_box(tmp_path) as box:
        made = (await box.person.post("/api/v1/orgs", json={"title": "Second"})).json()
        by_id = await box.person.post(f"/api/v1/orgs/{made['id']}/projects", json={"name": "One"})
        by_slug = await box.person.post(
            f"/api/v1/orgs/{made['slug']}/projects", json={"name": "Two"}
        )
        listed = (await box.person.get("/api/v1/orgs")).json()

        assert by_id.json()["organization"] == by_slug.json()["organization"] == made
        assert made in listed


async def test_a_project_without_a_name_is_refused_by_the_field(tmp_path: Path):
    async with a_box(tmp_path) as box:
        made = (await box.person.get("/api/v1/orgs")).json()[0]
        for body in ({}, {"name": ""}, {"name": 7}):
            answer = await box.person.post(f"/api/v1/orgs/{made['slug']}/projects", json=body)

            assert answer.status_code == httpx.codes.BAD_REQUEST
            assert "name" in answer.json()["error"]


async def test_an_organization_that_is_not_ones_own_is_not_there(tmp_path: Path):
    async with a_box(tmp_path) as box:
        answer = await box.person.post("/api/v1/orgs/unknown/projects", json={"name": "One"})

        assert answer.status_code == httpx.codes.NOT_FOUND


async def test_a_renamed_project_keeps_its_ref(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        path = f"/api/v1/projects/{box.project.project.ref}"
        answer = await box.person.patch(path, json={"name": "Market"})
        key = await box.person.get(f"{path}/dev")

        assert answer.json()["name"] == key.json()["name"] == "Market"


async def test_the_first_set_up_of_a_folder_is_noted_and_stays(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        path = f"/api/v1/projects/{box.project.project.ref}/init"
        # No body under a JSON content type: what the npm CLI sends.
        first = await box.person.post(path, headers={"content-type": "application/json"})
        box.clock.advance(60_000)
        second = await box.person.post(path, headers={"content-type": "application/json"})

        assert first.status_code == httpx.codes.OK
        assert first.json() == second.json()
        assert first.json()["initializedAt"].endswith("Z")


async def test_runtimes_is_not_taken_for_a_project(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        answer = await box.person.get("/api/v1/projects/runtimes")

        assert [row["project"]["externalRef"] for row in answer.json()] == [box.project.project.ref]
        assert answer.json()[0]["deployment"] is None

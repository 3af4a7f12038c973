from __future__ import annotations

from pathlib import Path

from tests.support.box import EMAIL, a_box


async def test_the_owner_claims_makes_tokens_and_projects(tmp_path: Path) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        owner = box.local_owner
        early = await owner.post("/local/v1/projects", json={"name": "Shop"})
        assert (early.status_code, early.json()["code"]) == (503, "unclaimed")

        admin = await owner.post("/local/v1/admins", json={"email": EMAIL})
        token = await owner.post("/local/v1/tokens", json={"email": EMAIL, "name": "ci"})
        project = await owner.post("/local/v1/projects", json={"name": "Shop"})

        assert admin.json()["created"]
        answer = await box.client(token.json()["token"]).get("/api/v1/projects")
        assert [found["externalRef"] for found in answer.json()] == [project.json()["ref"]]
        assert set(project.json()["keys"]) == {"dev", "stg", "prod", "preview"}
        again = await owner.post("/local/v1/admins", json={"email": EMAIL})
        assert not again.json()["created"]


async def test_only_the_secret_of_the_data_folder_opens_the_owners_routes(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        for client in (box.nobody, box.person, box.dev, box.client("tr_local_" + "x" * 40)):
            for path in ("admins", "tokens", "projects", "claim-links"):
                answer = await client.post(f"/local/v1/{path}", json={})

                assert answer.status_code == 401


async def test_an_unknown_account_is_named(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.local_owner.post(
            "/local/v1/tokens", json={"email": "bob@example.com", "name": "x"}
        )

        assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")
        assert "bob@example.com" in answer.json()["error"]


async def test_a_claim_link_can_be_asked_for_again_until_the_box_is_claimed(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        links = [
            (await box.local_owner.post("/local/v1/claim-links")).json()["link"] for _ in range(2)
        ]
        tokens = [link.partition("token=")[2] for link in links]
        checks = [
            (await box.nobody.get("/dashboard/api/claim", params={"token": token})).json()
            for token in tokens
        ]
        await box.local_owner.post("/local/v1/admins", json={"email": EMAIL})
        after = await box.local_owner.post("/local/v1/claim-links")

        assert [check["isValid"] for check in checks] == [False, True]
        assert "/claim?token=tr_claim_" in links[0]
        assert after.json() == {"link": None}

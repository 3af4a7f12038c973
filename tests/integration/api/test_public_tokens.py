"""What an SDK asks for before it signs public tokens with its own key."""

from __future__ import annotations

from pathlib import Path

from tests.integration.api.life import triggered
from tests.support.box import a_box
from trigger_box.access.public_tokens import sign


async def test_a_token_signed_with_the_key_and_these_claims_is_good(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev, "hello")
        claims = (await box.dev.post("/api/v1/auth/jwt/claims")).json()
        scopes = [f"read:runs:{run_id}"]
        key = box.dev.headers["authorization"].removeprefix("Bearer ")
        now_s = box.rooms.clock.now_ms() // 1_000
        token = sign({**claims, "scopes": scopes}, key=key, now_s=now_s, lifetime_s=60)

        seen = await box.client(token).get(f"/api/v3/runs/{run_id}")

    assert claims == {"sub": box.environments["dev"].id, "pub": True}
    assert seen.status_code == 200

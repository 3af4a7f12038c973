from __future__ import annotations

import base64
import json

import jwt
import pytest

from trigger_box.access.public_tokens import (
    AUDIENCE,
    ISSUER,
    PublicTokenError,
    peek,
    scopes_of,
    sign,
    verify,
)

KEY = "tr_dev_" + "k" * 24
NOW_S = 1_767_225_600
CLAIMS = {"sub": "env_1", "pub": True, "scopes": ["read:runs:run_1"]}


def a_token(**changes: object) -> str:
    """Return a token as the SDK signs it, with a library of its own."""
    claims = CLAIMS | {"iss": ISSUER, "aud": AUDIENCE, "iat": NOW_S, "exp": NOW_S + 900} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    header = {"alg": "HS256"}
    # The library warns of keys below 32 characters; what it would have written:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, claims)
    ]
    signed = b".".join(parts)
    digest = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        signed, KEY.encode()
    )
    return b".".join([signed, base64.urlsafe_b64encode(digest).rstrip(b"=")]).decode()


def test_what_is_signed_here_is_read_by_the_library() -> None:
    long_key = "tr_preview_" + "k" * 24

    token = sign(CLAIMS, key=long_key, now_s=NOW_S, lifetime_s=3_600)

    claims = jwt.decode(
        token,
        long_key,
        algorithms=["HS256"],
        audience=AUDIENCE,
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == CLAIMS | {"iss": ISSUER, "aud": AUDIENCE, "iat": NOW_S, "exp": NOW_S + 3_600}
    assert jwt.get_unverified_header(token) == {"alg": "HS256"}


def test_what_is_signed_here_is_verified_here_with_a_key_of_31_characters() -> None:
    token = sign(CLAIMS, key=KEY, now_s=NOW_S, lifetime_s=60)

    claims = verify(token, keys=[KEY], now_s=NOW_S)

    assert claims is not None
    assert scopes_of(claims) == ("read:runs:run_1",)


def test_a_token_that_the_sdk_signed_is_verified() -> None:
    assert verify(a_token(), keys=["tr_dev_other", KEY], now_s=NOW_S) is not None


def test_another_key_does_not_verify() -> None:
    assert verify(a_token(), keys=["tr_dev_" + "x" * 24], now_s=NOW_S) is None


def test_a_changed_token_does_not_verify() -> None:
    header, body, signature = a_token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["scopes"] = ["admin"]
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    assert verify(f"{header}.{forged}.{signature}", keys=[KEY], now_s=NOW_S) is None


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256"])
def test_another_algorithm_does_not_verify(algorithm: str) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm}).encode()).rstrip(b"=").decode()
    _, body, signature = a_token().split(".")

    assert verify(f"{header}.{body}.{signature}", keys=[KEY], now_s=NOW_S) is None
    assert verify(f"{header}.{body}.", keys=[KEY], now_s=NOW_S) is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"exp": NOW_S}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "soon"}, "expired"),
        ({"iss": "https://elsewhere.example"}, "invalid"),
        ({"aud": "https://elsewhere.example"}, "invalid"),
        ({"aud": None}, "invalid"),
    ],
)
def test_a_well_signed_token_can_still_be_no_good(
    changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(PublicTokenError, match=complaint):
        verify(a_token(**changes), keys=[KEY], now_s=NOW_S)


@pytest.mark.parametrize(
    "token",
    ["", "tr_dev_abc", "a.b", "a.b.c", "a.e30.c", f"a.{'x' * 20_000}.c", "..", "a.W10.c", "é.é.é"],
)
def test_what_is_no_public_token_is_not_taken_for_one(token: str) -> None:
    assert peek(token) is None


def test_a_token_without_pub_is_no_public_token() -> None:
    assert peek(a_token(pub=None)) is None
    assert peek(a_token(pub=1)) is None
    assert peek(a_token()) is not None


@pytest.mark.parametrize("scopes", [None, "admin", {"a": 1}, [1, None]])
def test_scopes_of_another_shape_grant_nothing(scopes: object) -> None:
    assert scopes_of({"scopes": scopes}) == ()

from __future__ import annotations

import pytest

from trigger_box.api.origins import Origins


def seen(scheme: str = "http", **headers: str) -> str:
    raw = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Origins(public_url=None, address="127.0.0.1:3030").of({"scheme": scheme}, raw)


def test_the_origin_is_what_the_caller_typed() -> None:
    assert seen(host="box.lan:3030") == "http://box.lan:3030"


def test_a_proxy_tells_what_its_own_caller_typed() -> None:
    assert (
        seen(host="127.0.0.1:3030", x_forwarded_proto="https", x_forwarded_host="tasks.example.com")
        == "https://tasks.example.com"
    )


def test_of_a_chain_of_proxies_the_outermost_counts() -> None:
    assert (
        seen(x_forwarded_proto="https, http", x_forwarded_host="a.example, b.internal")
        == "https://a.example"
    )


def test_what_the_owner_has_set_wins() -> None:
    origins = Origins(public_url="https://tasks.example.com")

    assert origins.of({"scheme": "http"}, {b"host": b"evil.example"}) == "https://tasks.example.com"


@pytest.mark.parametrize("host", ["evil.example/path", 'x"><script>', "a b", "user@host", ""])
def test_a_host_that_is_none_falls_back_to_where_the_box_listens(host: str) -> None:
    assert seen(host=host) == "http://127.0.0.1:3030"


def test_an_unknown_scheme_is_not_repeated() -> None:
    assert seen(host="box", x_forwarded_proto="javascript") == "http://box"


def test_an_ipv6_host_is_a_host() -> None:
    assert seen(host="[::1]:3030") == "http://[::1]:3030"

from __future__ import annotations

import pytest

from trigger_box.sdk.secrets import SecretMask


def test_values_of_variables_with_a_secret_name_are_replaced_by_the_name() -> None:
    mask = SecretMask({"STRIPE_API_KEY": "sk_live_12345678", "HOME": "/home/ada-lovelace"})

    assert (
        mask.apply("401 for sk_live_12345678 in /home/ada-lovelace")
        == "401 for [STRIPE_API_KEY] in /home/ada-lovelace"
    )


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "API_KEYS", "token", "OPENAI_APIKEY", "SENTRY_DSN", "SMTP_AUTH"],
)
def test_a_name_that_says_secret_is_one(name: str) -> None:
    assert SecretMask({name: "12345678"}).apply("12345678") == f"[{name}]"


@pytest.mark.parametrize("name", ["MONKEY", "KEYBOARD", "AUTHOR_NAME", "SSH_AUTH_SOCK", "PWD"])
def test_a_name_that_only_sounds_like_it_is_none(name: str) -> None:
    assert SecretMask({name: "12345678"}).apply("12345678") == "12345678"


def test_passwords_inside_urls_are_replaced_in_both_spellings() -> None:
    mask = SecretMask({"DATABASE_URL": "postgres://app:p%40ssword1@db/x"})

    assert mask.apply("p%40ssword1 and p@ssword1") == "[DATABASE_URL] and [DATABASE_URL]"


def test_the_longer_of_two_secrets_wins() -> None:
    mask = SecretMask({"A_TOKEN": "abcdefgh", "B_TOKEN": "abcdefgh-ijklmnop"})

    assert mask.apply("abcdefgh-ijklmnop abcdefgh") == "[B_TOKEN] [A_TOKEN]"


def test_short_values_are_left_alone_because_masking_them_hides_the_error() -> None:
    assert SecretMask({"A_TOKEN": "test", "B_SECRET": ""}).apply("test") == "test"


def test_a_variable_that_only_looks_like_a_url_does_no_harm() -> None:
    assert SecretMask({"X": "http://[bad@", "Y": "mail@x://y"}).apply("text") == "text"

from __future__ import annotations

import io
from pathlib import Path

import pytest

from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.tasks import read_payload


def test_a_payload_is_json_from_the_command_line_a_file_or_stdin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "payload.json"
    file.write_text('{"from": "file"}')
    monkeypatch.setattr("sys.stdin", io.StringIO('{"from": "stdin"}'))

    assert read_payload(None) is None
    assert read_payload('"text"') == "text"
    assert read_payload(f"@{file}") == {"from": "file"}
    assert read_payload("-") == {"from": "stdin"}


@pytest.mark.parametrize("text", ["{x", "", "NaN", "[Infinity]", "Ada"])
def test_what_is_no_json_is_refused_with_how_to_quote_it(text: str) -> None:
    with pytest.raises(CliError, match=r"payload \(--payload\) is not JSON") as caught:
        read_payload(text)

    assert caught.value.code is Exit.USAGE
    assert "Quote it" in (caught.value.hint or "")


def test_a_payload_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"nothing\.json can't be read"):
        read_payload(f"@{tmp_path / 'nothing.json'}")

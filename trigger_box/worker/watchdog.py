"""Outlives ``tbx dev``: when that ends, killed or not, the runs it held are cancelled at the box.

Runs as ``python -m trigger_box.worker.watchdog PIPE ROSTER`` (or as a hidden command of the
program): the first line of the pipe says where the box is and holds the key, so that neither shows
in a process list; the end of the pipe is the end of ``dev``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Final

from trigger_box.version import __version__
from trigger_box.worker.limits import DISCONNECT_IDS_MAX
from trigger_box.worker.roster import read_roster

_TRIES_MAX: Final = 5
_PAUSE_S: Final = 0.5
_CALL_S_MAX: Final = 5.0


def watch(pipe: int, roster: int) -> int:
    """Wait for the end of ``dev``, then disconnect the runs it left; return how many."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    said = b""
    while part := os.read(pipe, 64 * 1024):
        said += part
    first, _, _rest = said.partition(b"\n")
    if not first:
        return 0
    where = json.loads(first)
    run_ids = read_roster(roster)
    for start in range(0, len(run_ids), DISCONNECT_IDS_MAX):
        _disconnect(where["url"], where["key"], run_ids[start : start + DISCONNECT_IDS_MAX])
    return len(run_ids)


def _disconnect(url: str, key: str, run_ids: list[str]) -> None:
    import urllib.error  # noqa: PLC0415 - needed for a moment, perhaps never
    import urllib.request  # noqa: PLC0415 - as above

    request = urllib.request.Request(  # noqa: S310 - the box's own address, checked by the CLI
        f"{url.rstrip('/')}/engine/v1/dev/disconnect",
        data=json.dumps({"runFriendlyIds": run_ids}).encode(),
        headers={
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "x-trigger-box-worker": f"python/{__version__}",
        },
        method="POST",
    )
    pause_s = _PAUSE_S
    for attempt in range(_TRIES_MAX):
        try:
            with urllib.request.urlopen(request, timeout=_CALL_S_MAX):  # noqa: S310 - as above
                return
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:  # noqa: PLR2004 - HTTP's own numbers
                return
        except OSError:
            pass
        if attempt + 1 < _TRIES_MAX:
            time.sleep(pause_s)
            pause_s *= 2


def main() -> None:
    """Be the watchdog of the process that started this one."""
    watch(int(sys.argv[1]), int(sys.argv[2]))


if __name__ == "__main__":
    main()

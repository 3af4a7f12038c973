"""DuckDB's queries, in the same form as the store's: named blocks in ``.sql`` files."""

from __future__ import annotations

from typing import Final

from trigger_box.store.queries import QueryFile

history: Final = QueryFile("history", package="trigger_box.telemetry.queries")

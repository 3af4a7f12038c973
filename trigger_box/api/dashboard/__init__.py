"""The dashboard's half on the box: JSON for its pages, the live stream, and its files."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from trigger_box.api.dashboard import files, keys, live, projects, run_page, runs, tasks, traces

routes: list[ControllerRouterHandler] = [
    *projects.routes,
    *tasks.routes,
    *runs.routes,
    *run_page.routes,
    *traces.routes,
    *keys.routes,
    *live.routes,
    *files.routes,
]

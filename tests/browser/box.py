"""A real box in its own process and folder, and a bare client that plays its worker over HTTP."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from tests.support.otlp import a_log, a_span

PROGRAM = Path(sys.executable).with_name("trigger-box")
NAME = "Maria Keller"
EMAIL = "maria@northwind.dev"
PASSWORD = "correct horse battery staple"
_LINES_MAX = 200
_NS_PER_S = 1_000_000_000

LONG_TASK = "sync-inventory-with-the-warehouse-management-system-of-northwind-europe"
ABOUT_RECEIPTS = "Mails the receipt of an order that was paid."
SCHEMA = {
    "type": "object",
    "required": ["orderId", "items"],
    "properties": {
        "orderId": {"type": "string", "examples": ["ord_88207"]},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku", "qty"],
                "properties": {"sku": {"type": "string"}, "qty": {"type": "integer", "minimum": 1}},
            },
        },
        "express": {"type": "boolean", "description": "Deliver with the express carrier."},
    },
}
TASKS: list[dict[str, Any]] = [
    {"id": "process-order", "filePath": "tasks/orders.py", "payloadSchema": SCHEMA},
    {"id": "send-receipt", "filePath": "tasks/emails.py", "description": ABOUT_RECEIPTS},
    {
        "id": "resize-images",
        "filePath": "tasks/images.py",
        "queue": {"name": "images", "concurrencyLimit": 1},
    },
    {"id": LONG_TASK, "filePath": "tasks/warehouse/northwind/europe/inventory/sync_inventory.py"},
]


class ServedBox:
    """One ``trigger-box serve``; its claim link is what it printed."""

    def __init__(self, folder: Path) -> None:
        environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
        self._process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", "--data-dir", folder / "data"],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        try:
            self.origin = self._told(r"^ready (http://\S+)")
            self.claim_link = self._told(r"^claim (http://\S+)")
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process, frozen or not."""
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        self._process.wait(timeout=15)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def freeze(self) -> None:
        """Let it say nothing any more, as a machine does that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def _told(self, pattern: str) -> str:
        assert self._process.stdout is not None, "it was opened with a pipe"
        for _ in range(_LINES_MAX):
            line = self._process.stdout.readline()
            if found := re.match(pattern, line):
                return found[1]
            assert line, f"the box ended before it said {pattern}"
        raise AssertionError(f"the box never said {pattern}")


class Person:
    """Somebody with an account, over HTTP: for what a test is not about."""

    def __init__(self, origin: str) -> None:
        self._client = httpx.Client(base_url=origin, headers={"origin": origin}, timeout=20)

    def claim(self, claim_link: str, name: str = NAME) -> None:
        """Make the first account."""
        token = claim_link.rpartition("token=")[2]
        self._signed_in(
            "/dashboard/api/claim",
            {"token": token, "name": name, "email": EMAIL, "password": PASSWORD},
        )

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def sign_in(self) -> None:
        """Begin a session."""
        self._signed_in("/dashboard/api/sign-in", {"email": EMAIL, "password": PASSWORD})

    def create_project(self, name: str) -> str:
        """Make a project; return its ref."""
        return self._post("/dashboard/api/projects", {"name": name})["ref"]

    def let_in(self, code: str) -> None:
        """Let a terminal in that has asked; it fetches its token."""
        self._post(f"/dashboard/api/cli-authorizations/{code}/approve", {})
        answer = self._client.post("/api/v1/token", json={"authorizationCode": code})
        assert answer.json()["token"], answer.text

    def cookies(self) -> list[dict[str, str]]:
        """Return the session cookie as a browser takes it."""
        url = str(self._client.base_url)
        return [
            {"name": cookie.name, "value": cookie.value or "", "url": url}
            for cookie in self._client.cookies.jar
        ]

    def key(self, ref: str, slug: str = "dev") -> str:
        """Return the key of an environment."""
        session = self._client.get("/dashboard/api/session").json()
        [environment] = [
            environment["id"]
            for organization in session["organizations"]
            for project in organization["projects"]
            for environment in project["environments"]
            if project["ref"] == ref and environment["slug"] == slug
        ]
        return self._post(f"/dashboard/api/environments/{environment}/root-key/reveal", {})["key"]

    def _signed_in(self, path: str, body: Mapping[str, str]) -> None:
        answer = self._client.post(path, json=dict(body))
        assert answer.status_code == 200, answer.text
        self._client.headers["x-csrf-token"] = answer.json()["csrfToken"]

    def _post(self, path: str, body: Mapping[str, str]) -> dict[str, Any]:
        answer = self._client.post(path, json=dict(body))
        assert answer.is_success, answer.text
        return answer.json()


class BareWorker:
    """A worker without a process: it takes runs and says what became of them."""

    def __init__(self, origin: str, key: str, ref: str) -> None:
        self._client = httpx.Client(
            base_url=origin, headers={"authorization": f"Bearer {key}"}, timeout=20
        )
        variables = self._client.get(f"/api/v1/projects/{ref}/envvars").json()["variables"]
        name, _, value = variables["OTEL_EXPORTER_OTLP_HEADERS"].partition("=")
        self._otlp = {name: value}
        self._ref = ref

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def register(self, tasks: list[dict[str, Any]] | None = None, content_hash: str = "1") -> None:
        """Register a version with the tasks."""
        self._post(
            f"/api/v1/projects/{self._ref}/background-workers",
            {
                "localOnly": True,
                "metadata": {
                    "packageVersion": "0.1.0",
                    "contentHash": content_hash,
                    "runtime": "python",
                    "tasks": tasks or TASKS,
                },
            },
        )

    def trigger(self, task: str, payload: object = None, **options: object) -> str:
        """Trigger a task; return the run's id."""
        body = {"payload": payload, "options": options}
        return self._post(f"/api/v1/tasks/{task}/trigger", body)["id"]

    def trigger_inside(self, begun: dict[str, Any], task: str, payload: object) -> str:
        """Trigger a task as the code of an attempt does that does not wait; return the run's id."""
        carrier = begun["execution"]["run"]["traceContext"]
        body = {"payload": payload, "options": {"parentRunId": begun["run"]["friendlyId"]}}
        headers = {
            "traceparent": str(carrier["traceparent"]),
            "x-trigger-span-parent-as-link": "1",
        }
        return self._post(f"/api/v1/tasks/{task}/trigger", body, headers)["id"]

    def trigger_and_wait(self, begun: dict[str, Any], task: str, payload: object = None) -> str:
        """Trigger a task and let the attempt wait for its run; return that run's id."""
        parent = begun["run"]["friendlyId"]
        options = {"parentRunId": parent, "resumeParentOnCompletion": True}
        body = {"payload": payload, "options": options}
        return self._post(f"/api/v1/tasks/{task}/trigger", body)["id"]

    def take(self) -> dict[str, Any]:
        """Take the run that is next."""
        body = {"waitMs": 2_000}
        [message] = self._post("/engine/v1/dev/dequeue", body)["dequeuedMessages"]
        return message

    def start(self, message: dict[str, Any]) -> dict[str, Any]:
        """Begin an attempt."""
        return self._post(_attempt_path(message, "start"), {})

    def complete(self, begun: dict[str, Any], output: str = '{"done":true}') -> None:
        """Report that an attempt went well."""
        self._complete(
            begun,
            {
                "ok": True,
                "output": output,
                "outputType": "application/json",
                "usage": {"durationMs": 12},
            },
        )

    def fail(self, begun: dict[str, Any], name: str, message: str, *, frame: str = "run") -> None:
        """Report that an attempt raised, and is not to be tried again."""
        error = {
            "type": "BUILT_IN_ERROR",
            "name": name,
            "message": message,
            "stackTrace": f"{name}: {message}\n    at {frame} (tasks/orders.py:118:11)",
        }
        self._complete(begun, {"ok": False, "error": error, "skippedRetrying": True})

    def begin(self, task: str, payload: object = None, **options: object) -> dict[str, Any]:
        """Trigger a task, take the run and start it; return the started attempt."""
        self.trigger(task, payload, **options)
        return self.start(self.take())

    def open_runs(self) -> list[str]:
        """Return the runs that have not ended."""
        going = "QUEUED,EXECUTING,DEQUEUED,DELAYED,PENDING_VERSION,WAITING"
        answer = self._client.get(
            "/api/v1/runs", params={"filter[status]": going, "page[size]": 100}
        )
        assert answer.is_success, answer.text
        return [run["id"] for run in answer.json()["data"]]

    def cancel(self, run_id: str) -> None:
        """Cancel a run."""
        self._post(f"/api/v2/runs/{run_id}/cancel", {})

    def report(self, begun: dict[str, Any], log_line: str = "Order received") -> None:
        """Send spans and logs of the attempt that has begun."""
        run_id = begun["run"]["friendlyId"]
        trace_id, parent = _trace_of(begun["execution"]["run"]["traceContext"])
        now_ns = int(time.time() * _NS_PER_S)
        attempt = {"$entity.type": "attempt", "$style.icon": "attempt", "$style.variant": "warm"}
        spans = [
            a_span(
                "a" * 16,
                parent,
                "Attempt 1",
                trace_id=trace_id,
                run_id=run_id,
                start_ns=now_ns,
                duration_ms=900,
                extra=attempt,
            ),
            a_span(
                "b" * 16,
                "a" * 16,
                "charge the card",
                trace_id=trace_id,
                run_id=run_id,
                start_ns=now_ns + 100_000_000,
                duration_ms=300,
                extra={"amount": 42},
            ),
        ]
        log = a_log(log_line, "a" * 16, trace_id=trace_id, run_id=run_id, at_ns=now_ns + 50_000_000)
        self._send("traces", {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
        self._send("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]})

    def _complete(self, begun: dict[str, Any], completion: dict[str, Any]) -> None:
        body = {"completion": {"id": begun["run"]["friendlyId"], **completion}}
        self._post(_attempt_path(begun, "complete"), body)

    def _send(self, signal_name: str, body: dict[str, Any]) -> None:
        answer = self._client.post(f"/otel/v1/{signal_name}", json=body, headers=self._otlp)
        assert answer.is_success, answer.text

    def _post(
        self, path: str, body: dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        answer = self._client.post(path, json=body, headers=dict(headers or {}))
        assert answer.is_success, answer.text
        return answer.json()


def _attempt_path(told: dict[str, Any], verb: str) -> str:
    run, snapshot = told["run"]["friendlyId"], told["snapshot"]["friendlyId"]
    return f"/engine/v1/dev/runs/{run}/snapshots/{snapshot}/attempts/{verb}"


def _trace_of(carrier: Mapping[str, Any]) -> tuple[str, str]:
    parts = str(carrier.get("traceparent", "")).split("-")
    return (parts[1], parts[2]) if len(parts) == 4 else ("", "")

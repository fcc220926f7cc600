"""A real server process, and clients of it whose every answer is checked against its own OpenAPI document."""

import asyncio
import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import jsonschema_rs

from rapport import control

MANY = {"RAPPORT_RATE_LIMIT": "off"}


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    body: Any
    headers: httpx.Headers

    @property
    def type(self) -> str:
        """Of an error."""
        return str(self.body["type"])


class Server:
    """`rapport serve` on a data folder, on a free port unless one is given."""

    def __init__(self, data: Path, *flags: str, **environment: str) -> None:
        self.data = data
        self._flags = flags
        self._environment = environment
        self.port = 0
        self.token = ""
        self.http = httpx.Client(timeout=30)
        self.start()

    def start(self) -> None:
        """Start, or start again on the same port, and wait until it listens."""
        command = [sys.executable, "-m", "rapport", "serve", "--data", str(self.data), "--port", str(self.port)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        self.log = (self.data.parent / f"{self.data.name}.log").open("ab")
        self.process = subprocess.Popen(
            [*command, *self._flags], stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**clean, **MANY, **self._environment}, cwd=self.data.parent,
        )  # fmt: skip
        assert self.process.stdout is not None
        said: list[str] = []
        for line in self.process.stdout:
            said.append(line)
            if token := re.search(r"rpt_\w+", line):
                self.token = token[0]
            if url := re.search(r"https?://[^ ]+:(\d+)", line):
                self.url, self.port = url[0], int(url[1])
                return
        code = self.process.wait()
        self._close()
        raise RuntimeError(f"the server said {said} and ended with {code}: {self.logged()}")

    def logged(self) -> str:
        """Its standard error so far."""
        return Path(self.log.name).read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it without a warning."""
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=40)
        self._close()
        return code

    def _close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        self.http.close()
        self.http = httpx.Client(timeout=30)

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def run(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Run an operator's command through the server's own socket."""
        answer = asyncio.run(control.ask(self.data / control.SOCKET, command, arguments))
        assert answer is not None
        return answer

    def make_org(self, name: str = "Org") -> "Client":
        """A new org; the client of its first admin."""
        made = self.run("orgs create", name=name, email=f"admin-{time.monotonic_ns()}@example.com")
        return Client(self, made["token"], made["user"]["display_id"], made["org"]["display_id"])

    def make_user(self, admin: "Client", *, role: str = "member", scope: str | None = None) -> "Client":
        """A new dev user of the admin's org; with a scope, a token of only that."""
        made = self.run("users create", email=f"u-{time.monotonic_ns()}@example.com", role=role, org=admin.org)
        user, token = made["user"]["display_id"], made["token"]
        if scope is not None:
            token = self.run("tokens create", user=user, scope=scope, org=admin.org)["token"]
        return Client(self, token, user, admin.org)


@functools.cache
def document(url: str) -> dict[str, Any]:
    """A server's OpenAPI document."""
    found: dict[str, Any] = httpx.get(f"{url}/openapi.json").json()
    return found


@functools.cache
def validator(url: str, method: str, status: str) -> jsonschema_rs.Draft202012Validator:
    """The schema of one method's answer with one status."""
    spec = document(url)
    operation = spec["paths"][f"/{method}"]["post"]
    schema = operation["responses"][status]["content"]["application/json"]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": spec["components"]})


class Client:
    """One person's token on one server."""

    def __init__(self, server: Server, token: str, user: str = "", org: str = "") -> None:
        self.server = server
        self.token = token
        self.user = user
        self.org = org

    def call(self, method: str, request: Any = None, **headers: str) -> Answer:
        """POST a request as JSON."""
        return self.raw("POST", method, content=json.dumps(request or {}), headers=headers)

    def get(self, method: str, query: Any = None, **headers: str) -> Answer:
        """GET with a query."""
        return self.raw("GET", method, params=query, headers=headers)

    def raw(self, verb: str, method: str, *, headers: dict[str, str] | None = None, **options: Any) -> Answer:
        """Any request; header names may have underscores for hyphens. The answer is checked against the document."""
        named = {"authorization": f"Bearer {self.token}"}
        named |= {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if "content" in options:
            named.setdefault("content-type", "application/json")
        answer = self.server.http.request(verb, f"{self.server.url}/{method}", headers=named, **options)
        body = answer.json() if answer.content else None
        if f"/{method}" in document(self.server.url)["paths"] and answer.status_code != 405:
            validator(self.server.url, method, str(answer.status_code)).validate(body)
        return Answer(answer.status_code, body, answer.headers)

    def ok(self, method: str, request: Any = None, **headers: str) -> Any:
        """The body of a call that must succeed."""
        answer = self.call(method, request, **headers)
        assert answer.status in {200, 201}, answer
        return answer.body

    def engagement(self, **fields: Any) -> Any:
        """Record an engagement of the client's own user; fields add to or replace the least."""
        least = {"members": [self.user], "scheduled_date": "2023-01-01T12:00:00.000Z", "title": "A call"}
        return self.ok("engagements.create", {**least, **fields})["engagement"]

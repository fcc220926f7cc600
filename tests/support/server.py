"""A real server process, and clients of it whose every answer is checked against its own
OpenAPI document.
"""

import asyncio
import contextlib
import functools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import httpx
import jsonschema_rs
import urllib3

from rapport.contract.kit.method import READ
from rapport.contract.table import METHODS
from rapport.control import client
from rapport.folder import SOCKET
from rapport.serving.installation import open_data
from rapport.settings import load
from tests.support import fetch
from tests.support.feed_reader import RECKONED
from tests.support.starting import DidNotStart

MANY = {"RAPPORT_RATE_LIMIT": "off"}
# Windows start at multiples of their length: no test sees this one end, before 2033.
FOREVER = 1_000_000_000


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    body: Any
    headers: httpx.Headers

    @property
    def type(self) -> str:
        """Of an error."""
        return str(self.body["type"])

    @property
    def problems(self) -> set[tuple[str, str]]:
        """Of an error: type and field of all its violations."""
        return {(one["type"], one["field_name"]) for one in self.body["violations"]}


class Operator:
    """Runs an operator's commands on a database that stays open: opening it for each would be
    most of a test's time.
    """

    def __init__(self, data: Path, environment: Mapping[str, str]) -> None:
        settings = load({"data": data}, environment, data)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._stack = contextlib.AsyncExitStack()
        self._opened = self._wait(self._stack.enter_async_context(open_data(settings)))

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def run(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run one command."""
        answer: dict[str, Any] = self._wait(self._opened.commands.run(command, arguments))
        return answer

    def close(self) -> None:
        """Close the database."""
        self._wait(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Server:
    """`rapport serve` on a data folder, on a free port unless one is given.

    `python` runs it, with the descriptors `keeps`, separated by commas; `trust` are the variables
    that it says make clients trust its certificate. `started` are those that run.
    """

    started: ClassVar[set["Server"]] = set()

    def __init__(
        self,
        data: Path,
        *flags: str,
        python: Path | str = sys.executable,
        keeps: str = "",
        **environment: str,
    ) -> None:
        self.data = data
        self._python = str(python)
        self._keeps = [int(one) for one in keeps.split(",") if one]
        self._flags = flags
        self._environment = environment
        self.is_strict = "RAPPORT_STRICT" in environment
        self.port = 0
        self.token = ""
        self.trust: dict[str, str] = {}
        self.http = fetch.client(timeout=30)
        self._pool = urllib3.PoolManager(maxsize=32, retries=False, timeout=30)
        self._operator: Operator | None = None
        self.start()

    def start(self) -> None:
        """Start, or start again on the same port, and wait until it listens."""
        command = [
            self._python,
            "-m",
            "rapport",
            "serve",
            "--data",
            str(self.data),
            "--port",
            str(self.port),
        ]
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")
        }
        self.log = (self.data.parent / f"{self.data.name}.log").open("ab")
        self.process = subprocess.Popen(
            [*command, *self._flags],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env={**clean, **MANY, **self._environment},
            cwd=self.data.parent,
            pass_fds=self._keeps,
        )
        Server.started.add(self)
        assert self.process.stdout is not None
        said: list[str] = []
        for line in self.process.stdout:
            said.append(line)
            if token := re.search(r"rpt_\w+", line):
                self.token = token[0]
            if line.startswith("export "):
                self.trust = dict(word.split("=", 1) for word in shlex.split(line)[1:])
            if url := re.search(r"https?://[^ ]+:(\d+)", line):
                self.url, self.port = url[0], int(url[1])
                return
        code = self.process.wait()
        self._close()
        raise DidNotStart(f"the server said {said} and ended with {code}: {self.logged()}")

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
        Server.started.discard(self)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        if self._operator is not None:
            self._operator.close()
            self._operator = None
        self.http.close()
        self.http = fetch.client(timeout=30)
        self._pool.clear()

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def ask(self, verb: str, path: str, headers: Mapping[str, Any], **options: Any) -> "Answer":
        """Any request that httpx knows. The plain ones, which are nearly all, go by urllib3: httpx
        would take most of the suite's time.

        Raises:
            httpx.TransportError: the connection was not made or broke.
        """
        content, params = options.pop("content", None), options.pop("params", None)
        if options or not isinstance(content, bytes | str | None):
            options |= {"content": content, "params": params}
            told = self.http.request(verb, f"{self.url}/{path}", headers=headers, **options)
            return Answer(told.status_code, told.json() if told.content else None, told.headers)
        query = f"?{httpx.QueryParams(params)}" if params else ""
        headers = {"accept-encoding": "gzip", **headers}
        try:
            answer = self._pool.request(
                verb, f"{self.url}/{path}{query}", body=content, headers=headers
            )
        except urllib3.exceptions.HTTPError as error:
            raise httpx.ReadError(str(error)) from error
        body = json.loads(answer.data) if answer.data else None
        return Answer(answer.status, body, httpx.Headers(list(answer.headers.items())))

    @property
    def database_url(self) -> str | None:
        """Of its store on PostgreSQL; None where that is in its data folder."""
        return self._environment.get("RAPPORT_DATABASE_URL")

    def run(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Run an operator's command through the server's own socket, or on its database."""
        if "RAPPORT_DATABASE_URL" in self._environment:
            self._operator = self._operator or Operator(self.data, self._environment)
            return self._operator.run(command, arguments)
        answer = client.ask(self.data / SOCKET, command, arguments)
        assert answer is not None
        return answer

    def make_org(self, name: str = "Org") -> "Client":
        """A new org; the client of its first admin."""
        made = self.run("orgs create", name=name, email=f"admin-{time.monotonic_ns()}@example.com")
        return Client(self, made["token"], made["user"]["display_id"], made["org"]["display_id"])

    def make_user(
        self, admin: "Client", *, role: str = "member", scope: str | None = None
    ) -> "Client":
        """A new dev user of the admin's org; with a scope, a token of only that."""
        made = self.run(
            "users create", email=f"u-{time.monotonic_ns()}@example.com", role=role, org=admin.org
        )
        user, token = made["user"]["display_id"], made["token"]
        if scope is not None:
            token = self.run("tokens create", user=user, scope=scope, org=admin.org)["token"]
        return Client(self, token, user, admin.org)


@functools.cache
def document(url: str) -> dict[str, Any]:
    """A server's OpenAPI document."""
    found: dict[str, Any] = fetch.get(f"{url}/openapi.json").json()
    return found


@functools.cache
def validator(url: str, method: str, status: str) -> jsonschema_rs.Draft202012Validator:
    """The schema of one method's answer with one status."""
    answer = f"/paths/~1{method}/post/responses/{status}"
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"urn:openapi#{answer}/content/application~1json/schema"}, registry=_registry(url)
    )


@functools.cache
def _registry(url: str) -> jsonschema_rs.Registry:
    """The document, read once: with all of it in each schema, these would take most of a run."""
    return jsonschema_rs.Registry([("urn:openapi", document(url))], draft=jsonschema_rs.Draft202012)


# The families whose list shows all that there is; links and timelines are listed object by object,
# tokens user by user, and deliveries are the work of the server itself.
FAMILIES = sorted(
    {method.family for method in METHODS.values() if method.name.endswith(".list")}
    - {"auth-tokens", "events", "links", "timeline-entries", "webhook-deliveries"}
)


def told_of(one: Any) -> Any:
    """An object as events have it."""
    return {name: value for name, value in one.items() if name not in RECKONED}


# What clients may send anything in.
FREE_FORM = ("custom_fields", "snap_kit_body")


def _check_shape(value: Any) -> None:
    """No null, and an object's type first (what free-form fields hold is the client's)."""
    if isinstance(value, dict):
        assert "type" not in value or next(iter(value)) == "type", value
        for name, inner in value.items():
            assert inner is not None, value
            if name not in FREE_FORM:
                _check_shape(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_shape(inner)


class Client:
    """One person's token on one server."""

    def __init__(self, server: Server, token: str, user: str = "", org: str = "") -> None:
        self.server = server
        self.token = token
        self.user = user
        self.org = org
        self._is_watched = False

    def call(self, method: str, request: Any = None, **headers: str) -> Answer:
        """POST a request as JSON."""
        return self.raw("POST", method, content=json.dumps(request or {}), headers=headers)

    def get(self, method: str, query: Any = None, **headers: str) -> Answer:
        """GET with a query."""
        return self.raw("GET", method, params=query, headers=headers)

    def raw(
        self, verb: str, method: str, *, headers: dict[str, Any] | None = None, **options: Any
    ) -> Answer:
        """Any request; header names may have underscores for hyphens, and None takes a header out.

        What holds for every answer is checked here: it fits the document, and it carries a request
        id.
        """
        named: dict[str, Any] = {"authorization": f"Bearer {self.token}"}
        if "content" in options:
            named["content-type"] = "application/json"
        named |= {name.replace("_", "-").lower(): value for name, value in (headers or {}).items()}
        named = {name: value for name, value in named.items() if value is not None}
        answer = self.server.ask(verb, method, named, **options)
        assert answer.status != 500, self.server.logged()[-4000:]
        assert answer.headers["x-request-id"]
        assert "etag" not in answer.headers
        _check_shape(answer.body)
        if f"/{method}" in document(self.server.url)["paths"] and answer.status != 405:
            validator(self.server.url, method, str(answer.status)).validate(answer.body)
        return answer

    def ok(self, method: str, request: Any = None, **headers: str) -> Any:
        """The body of a call that must succeed."""
        answer = self.call(method, request, **headers)
        assert answer.status in {200, 201}, answer
        return answer.body

    def refused(
        self,
        method: str,
        request: Any,
        type_: str,
        field_name: str | None = None,
        *,
        status: int = 400,
        **headers: str,
    ) -> Answer:
        """A call that must be refused so, and must leave no trace."""
        with contextlib.nullcontext() if METHODS[method].effect == READ else self.unchanged():
            answer = self.call(method, request, **headers)
            assert (answer.status, answer.type) == (status, type_), answer
            assert answer.body.get("field_name") == field_name, answer
        return answer

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """What the org has is the same after the block; calls that are refused in it need not
        look by themselves.
        """
        if self._is_watched:
            yield
            return
        before = self.everything()
        self._is_watched = True
        try:
            yield
        finally:
            self._is_watched = False
        assert self.everything() == before

    def together(self, requests: Sequence[tuple[str, Any]]) -> list[Answer]:
        """Calls at once, up to 24 of them under way; their answers in the order of the requests."""
        with ThreadPoolExecutor(24) as pool:
            return list(pool.map(lambda request: self.call(*request), requests))

    def everything(self) -> dict[str, Any]:
        """All that the org has, as its lists show it. Asked for in one request where that can be."""
        if self.server.is_strict:
            return {family: self._walked(family) for family in FAMILIES}
        asked = [
            *({"method": f"{family}.list", "body": {"limit": 100}} for family in FAMILIES),
            {"method": "events.list", "body": {"limit": 1}},
        ]
        *pages, feed = self.ok("batch.run", {"requests": asked})["results"]
        assert feed["status"] == 200, feed
        return {
            family: self._first_or_walked(family, page)
            for family, page in zip(FAMILIES, pages, strict=True)
        } | {"end of the feed": feed["body"]["end"]}

    def _first_or_walked(self, family: str, page: Any) -> list[Any]:
        if page["status"] != 200 or "next_cursor" in page["body"]:
            return self._walked(family)
        found: list[Any] = page["body"][family.replace("-", "_")]
        return found

    def feed_end(self) -> int:
        """The number of the newest event."""
        return int(self.ok("events.list", {"limit": 1})["end"]) if not self.server.is_strict else 0

    def feed(self, after: int = 0, **fields: Any) -> list[Any]:
        """All events after a number."""
        found: list[Any] = []
        while True:
            page = self.ok("events.list", {"after": after, "limit": 100, **fields})
            found += page["events"]
            after = page["last"]
            if after == page["end"]:
                return found

    def _walked(self, family: str) -> list[Any]:
        found: list[Any] = []
        request: dict[str, Any] = {"limit": 100}
        if family == "webhooks" and (
            self.server.is_strict or self.call("webhooks.list").status == 403
        ):
            return []  # for admins alone, and not walked where it is DevRev's own
        while True:
            page = self.ok(f"{family}.list", request)
            found += page[family.replace("-", "_")]
            if "next_cursor" not in page:
                return found
            request["cursor"] = page["next_cursor"]

    def engagement(self, **fields: Any) -> Any:
        """Record an engagement of the client's own user; fields add to or replace the least."""
        least = {
            "members": [self.user],
            "scheduled_date": "2023-01-01T12:00:00.000Z",
            "title": "A call",
        }
        return self.ok("engagements.create", {**least, **fields})["engagement"]

    def meeting(self, **fields: Any) -> Any:
        """Plan a meeting of the client's own user; fields add to or replace the least."""
        least = {
            "channel": "zoom",
            "members": [self.user],
            "state": "scheduled",
            "title": "A meeting",
        }
        return self.ok("meetings.create", {**least, **fields})["meeting"]

    def prepare(self, file_name: str = "notes.txt", **fields: Any) -> Any:
        """Prepare an artifact."""
        return self.ok("artifacts.prepare", {"file_name": file_name, **fields})

    def send(self, prepared: Any, content: bytes | str = b"", **part: str) -> httpx.Response:
        """Upload to a prepared URL; `name` and `type` are the part's."""
        fields = {field["key"]: field["value"] for field in prepared["form_data"]}
        file = (part.get("name", "blob"), content, part.get("type", "application/octet-stream"))
        return self.server.http.post(prepared["url"], data=fields, files={"file": file})

    def upload(
        self, content: bytes | str = b"notes", file_name: str = "notes.txt", **fields: Any
    ) -> str:
        """Make an artifact with these bytes; its id."""
        prepared = self.prepare(file_name, **fields)
        answer = self.send(prepared, content)
        assert answer.status_code == 204, answer.text
        return str(prepared["id"])

    def download(
        self, artifact: str, verb: str = "GET", version: str | None = None, **headers: str
    ) -> httpx.Response:
        """Locate an artifact and ask for its bytes; header names may have underscores for
        hyphens.
        """
        request = {"id": artifact} if version is None else {"id": artifact, "version": version}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.server.http.request(
            verb, self.ok("artifacts.locate", request)["url"], headers=named
        )

"""A feed reader that is killed again and again while many write ends with exactly what the
store has, from events alone.
"""

import itertools
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.feed_reader import load, plain
from tests.support.server import FAMILIES, Client, Server
from tests.support.trials import KILLS, TIMEOUT, WRITES

CONNECTIONS = 16
KINDS = {"dev-users": "dev_user", "rev-users": "rev_user", "rev-orgs": "rev_org"}


class Writer:
    """Writes at random on one connection: makes, changes and deletes objects of every kind,
    alone or with others.
    """

    def __init__(self, client: Client, seed: int) -> None:
        self._client = client
        self._http = httpx.Client(headers={"authorization": f"Bearer {client.token}"}, timeout=60)
        self._dice = random.Random(seed)
        self._names = (f"{seed}-{number}" for number in itertools.count())
        self._own: dict[str, list[str]] = {
            kind: [] for kind in ("ACC", "OPP", "TAG", "ENGAGEMENT", "REVU", "LINK", "C")
        }
        self.written = 0

    def _post(self, method: str, request: dict[str, Any]) -> Any:
        answer = self._http.post(f"{self._client.server.url}/{method}", content=json.dumps(request))
        assert answer.status_code in {200, 201, 400}, answer.text
        self.written += answer.status_code != 400
        return answer.json() if answer.status_code != 400 else None

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def write(self) -> None:
        """One write. Some are refused: what is referred to can't be deleted."""
        weighted = {
            self._engage: 30,
            self._change: 25,
            self._drop: 8,
            self._account: 4,
            self._deal: 4,
            self._tag: 4,
            self._person: 5,
            self._link: 4,
            self._comment: 8,
            self._edit: 4,
            self._remove: 4,
        }
        self._dice.choices(list(weighted), list(weighted.values()))[0]()

    def _any(self, kind: str) -> str | None:
        return self._dice.choice(self._own[kind]) if self._own[kind] else None

    def _some(self, kind: str) -> list[str]:
        return self._dice.sample(
            self._own[kind], min(len(self._own[kind]), self._dice.randrange(3))
        )

    def _made(self, kind: str, answer: Any) -> None:
        if answer is not None:
            self._own[kind].append(next(iter(answer.values()))["id"])

    def _links(self) -> dict[str, Any]:
        return {
            "parents": [*self._some("ACC"), *self._some("OPP")],
            "tags": [{"id": tag} for tag in self._some("TAG")],
            "members": [self._client.user, *self._some("REVU")],
        }

    def _engage(self) -> None:
        request = {
            "title": next(self._names),
            "scheduled_date": "2023-01-01T12:00:00Z",
            **self._links(),
        }
        self._made("ENGAGEMENT", self._post("engagements.create", request))

    def _change(self) -> None:
        if id_ := self._any("ENGAGEMENT"):
            links = {name: {"set": value} for name, value in self._links().items()}
            self._post("engagements.update", {"id": id_, "title": next(self._names), **links})

    def _drop(self) -> None:
        if id_ := self._any("ENGAGEMENT"):
            self._own["ENGAGEMENT"].remove(id_)
            self._post("engagements.delete", {"id": id_})

    def _account(self) -> None:
        tags = [{"id": tag} for tag in self._some("TAG")]
        self._made(
            "ACC", self._post("accounts.create", {"display_name": next(self._names), "tags": tags})
        )

    def _deal(self) -> None:
        if account := self._any("ACC"):
            request = {
                "type": "opportunity",
                "title": next(self._names),
                "account": account,
                "applies_to_part": "P",
                "owned_by": [self._client.user],
                "contacts": self._some("REVU"),
            }
            self._made("OPP", self._post("works.create", request))

    def _tag(self) -> None:
        self._made("TAG", self._post("tags.create", {"name": next(self._names)}))

    def _person(self) -> None:
        tags = [{"id": tag} for tag in self._some("TAG")]
        request = {
            "display_name": next(self._names),
            "tags": tags,
            **({"account": a} if (a := self._any("ACC")) else {}),
        }
        self._made("REVU", self._post("rev-users.create", request))

    def _link(self) -> None:
        if (account := self._any("ACC")) and (user := self._any("REVU")):
            request = {"link_type": "is_related_to", "source": account, "target": user}
            self._made("LINK", self._post("links.create", request))

    def _comment(self) -> None:
        if id_ := self._any("ENGAGEMENT") or self._any("ACC"):
            request = {"object": id_, "type": "timeline_comment", "body": next(self._names)}
            self._made("C", self._post("timeline-entries.create", request))

    def _edit(self) -> None:
        if id_ := self._any("C"):
            self._post("timeline-entries.update", {"id": id_, "body": next(self._names)})

    def _remove(self) -> None:
        """Delete anything: what goes along with it is told too."""
        families = {
            "TAG": "tags",
            "ACC": "accounts",
            "REVU": "rev-users",
            "OPP": "works",
            "LINK": "links",
        }
        kind = self._dice.choice(list(families))
        if (id_ := self._any(kind)) and self._post(
            f"{families[kind]}.delete", {"id": id_}
        ) is not None:
            self._own[kind].remove(id_)


def _start(server: Server, token: str, file: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.support.feed_reader", server.url, token, str(file)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2])


class Reader:
    """The reader's process, killed and started anew."""

    def __init__(self, client: Client, file: Path) -> None:
        self._command = [
            sys.executable,
            "-m",
            "tests.support.feed_reader",
            client.server.url,
            client.token,
            str(file),
        ]
        self._file = file
        self.start()

    def start(self) -> None:
        """Begin, or go on."""
        self._process = subprocess.Popen(self._command, cwd=Path(__file__).parents[2])

    def kill(self) -> None:
        """Kill it, at whatever it is."""
        self._process.kill()
        assert self._process.wait() == -signal.SIGKILL

    @property
    def after(self) -> int:
        """The number that it has kept."""
        return int(load(self._file)["after"])

    def wait_until(self, number: int) -> None:
        """Wait until it has kept this number."""
        deadline = time.monotonic() + 60
        while self.after < number:
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _write(writers: Sequence[Writer], own: Writer) -> None:
    while sum(one.written for one in writers) < WRITES:
        own.write()
    own.close()


def _kill_while(writing: Sequence[Future[None]], reader: Reader, dice: random.Random) -> None:
    """Kill the reader once it has heard something new, and start it again, as long as there are
    writes.
    """
    for _ in range(KILLS):
        reader.wait_until(reader.after + (0 if all(one.done() for one in writing) else 1))
        time.sleep(dice.random() * 0.5)  # In the middle of something.
        reader.kill()
        reader.start()
    for one in writing:
        one.result()


@pytest.mark.timeout(TIMEOUT)
def test_a_reader_killed_while_many_write_ends_with_the_stores_state(
    data: Path, tmp_path: Path
) -> None:
    server = Server(data, RAPPORT_RATE_LIMIT="off")
    alice = server.make_org()
    file = tmp_path / "reader.json"
    writers = [Writer(alice, seed) for seed in range(CONNECTIONS)]
    reader = Reader(alice, file)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        _kill_while(
            [pool.submit(_write, writers, writer) for writer in writers], reader, random.Random(1)
        )
    reader.wait_until(alice.feed_end())
    reader.kill()
    state = load(file)
    assert state["heard"] >= WRITES
    rebuilt = {
        kind: {id_: plain(one) for id_, one in objects.items()}
        for kind, objects in state["objects"].items()
    }
    for family in FAMILIES:
        listed = {one["id"]: plain(one) for one in alice._walked(family)}
        assert rebuilt.get(KINDS.get(family, family.rstrip("s")), {}) == listed, family
    for kind, method in (("timeline_entry", "timeline-entries.get"), ("link", "links.get")):
        for id_, one in rebuilt[kind].items():
            (found,) = alice.ok(method, {"id": id_}).values()
            assert plain(found) == one
    assert server.stop() == 0

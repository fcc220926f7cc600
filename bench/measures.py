"""What is measured: each measure has a group and a name, and gives figures each time that it
runs.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from bench.believable import DELETED, World, create_bodies
from bench.load import NUMBER, Load, Plan, Result, Stream
from bench.questions import Question, placed, questions
from bench.server import Served, call

CONNECTIONS = (1, 16, 64)
READERS = (100, 1_000)
_BODIES, _GETS = 1_000, 2_000
_EVENTS_A_SECOND = 20.0
# A load that has its core for so much of the time is no longer sure to wait for the server.
_BUSY = 0.85
# Of a hundred requests of the mixed load; the rest are gets.
_MIXED = {"list": 20, "create": 12, "update": 5, "count": 3}
Calls = list[tuple[str, str]]
Figures = dict[str, float]


@dataclass(frozen=True)
class Measure:
    """One thing that is measured in every round."""

    group: str
    name: str
    run: Callable[[], Figures]


class Measures:
    """Makes the measures of a run.

    Args:
        load: makes the load.
        world: what is in the store.
        seconds: of each load; questions get a tenth.
    """

    def __init__(self, load: Load, world: World, seconds: float) -> None:
        self._load = load
        self._world = world
        self._seconds = seconds

    def warm(self, served: Served, *paths: str, create: str = "") -> Served:
        """Ask for each of these and create some, until connections are open and statements
        prepared.
        """
        for calls in (
            *([(path, "")] for path in paths),
            *([self._creates(create)] if create else []),
        ):
            self._load.run(Plan(served.url, served.token, self._seconds / 4, [Stream(16, calls)]))
        return served

    def noop(self, served: Served, connections: Sequence[int] = CONNECTIONS) -> Iterator[Measure]:
        """The same server's answer to a request that does nothing."""
        for count in connections:
            yield self._measure("reference", f"no-op, {count}", served, count, [("/healthz", "")])

    def creates(
        self,
        group: str,
        name: str,
        served: Served,
        path: str = "/engagements.create",
        connections: Sequence[int] = CONNECTIONS,
    ) -> Iterator[Measure]:
        """Durable creates, and the bytes that go to the disk for each."""
        for count in connections:
            yield self._measure(
                group, f"{name}, {count}", served, count, self._creates(path), writes=True
            )

    def reads(
        self,
        group: str,
        name: str,
        served: Served,
        get: str,
        list_: str,
        connections: Sequence[int],
    ) -> Iterator[Measure]:
        """Gets of any engagement, and lists of 50. `get` has a place for the number, `list_`
        for an account's.
        """
        gets = [(get.format(number), "") for number in self._live(_GETS)]
        for count in connections:
            yield self._measure(group, f"{name}get, {count}", served, count, gets)
            yield self._measure(group, f"{name}list of 50, {count}", served, count, [(list_, "")])

    def questions(self, groups: Sequence[str], served: Served) -> Iterator[Measure]:
        """Each question of these groups, one at a time."""
        for question in questions(self._world):
            if question.group in groups:
                asked = placed(
                    question,
                    lambda method, request: call(served.url, served.token, method, request),
                )
                yield self._question(question.group, question.name, served, [_posted(asked)])

    def peer_questions(self, group: str, name: str, served: Served) -> Iterator[Measure]:
        """The questions that a baseline has too."""
        for question in questions(self._world):
            if question.peer is not None:
                yield self._question(
                    group, f"{name} {question.name}", served, [(question.peer, "")]
                )

    def mixed(self, served: Served) -> Iterator[Measure]:
        """A day's load."""
        yield self._measure("mixed", "mixed, 16", served, 16, self._mixture(), writes=True)

    def beside_a_question(self, served: Served) -> Iterator[Measure]:
        """Gets, alone and while somebody asks the slowest question again and again."""
        gets = Stream(
            16, [(f"/engagements.get?id=ENGAGEMENT-{number}", "") for number in self._live(_GETS)]
        )
        slowest = Stream(1, [_posted(self._slowest(served))], "slowest")

        def alone() -> Figures:
            return _figures(self._run(served, gets)["load"])

        def beside() -> Figures:
            results = self._run(served, gets, slowest)
            return {**_figures(results["load"]), "asked_p50": results["slowest"].p50}

        yield Measure("slow", "gets alone, 16", alone)
        yield Measure("slow", "gets beside the slowest question, 16", beside)

    def feed(self, served: Served) -> Iterator[Measure]:
        """Creates beside readers of the feed, and how late readers hear of one."""
        creates = self._creates("/engagements.create")
        for readers in (0, *READERS):
            yield Measure(
                "feed",
                f"creates beside {readers:,} readers, 16",
                self._told(served, readers, creates, 0),
            )
        late = self._told(served, max(READERS), creates, _EVENTS_A_SECOND)
        yield Measure("feed", f"an event to {max(READERS):,} readers", late)

    def _told(
        self, served: Served, readers: int, creates: Calls, a_second: float
    ) -> Callable[[], Figures]:
        def run() -> Figures:
            end = call(served.url, served.token, "events.list", {"limit": 1})["end"]
            stream = Stream(16, creates, a_second=a_second)
            feed = f"/events?after={end}"
            results = self._load.run(
                Plan(served.url, served.token, self._seconds, [stream], readers, feed)
            )
            if not readers:
                return _figures(results["load"])
            heard = results["feed"]
            if a_second:
                return _figures(heard)
            return {**_figures(results["load"]), "deliveries": heard.rate, "heard_p99": heard.p99}

        return run

    def _slowest(self, served: Served) -> Question:
        """The question that takes longest, as one asking of each shows."""
        taken: list[tuple[float, str, Question]] = []
        for question in questions(self._world):
            began = time.monotonic()
            asked = placed(
                question, lambda method, request: call(served.url, served.token, method, request)
            )
            taken.append((time.monotonic() - began, question.name, asked))
        return max(taken)[2]

    def _measure(
        self,
        group: str,
        name: str,
        served: Served,
        connections: int,
        calls: Calls,
        *,
        writes: bool = False,
    ) -> Measure:
        def run() -> Figures:
            before = served.written
            result, figures = self._worked(
                served, Plan("", "", self._seconds, [Stream(connections, calls)])
            )
            figures["memory"] = served.memory
            if writes:
                figures["written_kb"] = (served.written - before) / 1000 / max(result.count, 1)
            return figures

        return Measure(group, name, run)

    def _question(self, group: str, name: str, served: Served, calls: Calls) -> Measure:
        """One connection, and a tenth of the time; a question that takes longer is asked once."""

        def run() -> Figures:
            return self._worked(served, Plan("", "", self._seconds / 10, [Stream(1, calls)]))[1]

        return Measure(group, name, run)

    def _worked(self, served: Served, plan: Plan) -> tuple[Result, Figures]:
        """Run a plan of one stream against a server, with what a request cost it."""
        before = served.worked
        result = self._load.run(replace(plan, url=served.url, token=served.token))["load"]
        return result, {**_figures(result), "cpu": (served.worked - before) / max(result.count, 1)}

    def _run(self, served: Served, *streams: Stream) -> dict[str, Result]:
        return self._load.run(Plan(served.url, served.token, self._seconds, streams))

    def _creates(self, path: str) -> Calls:
        bodies = create_bodies(self._world, min(_BODIES, self._world.rows))
        return [(path, json.dumps({**body, "external_ref": f"bench-{NUMBER}"})) for body in bodies]

    def _live(self, count: int) -> list[int]:
        dice = random.Random(count)
        drawn = (dice.randrange(1, self._world.rows + 1) for _ in range(count))
        return [number - (number % DELETED == 0) for number in drawn]

    def _mixture(self) -> Calls:
        dice = random.Random(1)
        numbers, creates = self._live(_GETS), self._creates("/engagements.create")

        parents = [json.loads(body)["parents"][0] for _, body in creates]

        def one(kind: str, place: int) -> tuple[str, str]:
            id_, account = f"ENGAGEMENT-{numbers[place]}", parents[place % len(parents)]
            return {
                "get": (f"/engagements.get?id={id_}", ""),
                "list": ("/engagements.list?" + urlencode({"limit": 50, "parent": account}), ""),
                "create": creates[place % len(creates)],
                "update": (
                    "/engagements.update",
                    json.dumps({"id": id_, "title": f"Changed {NUMBER}"}),
                ),
                "count": ("/engagements.count?" + urlencode({"parent": account}), ""),
            }[kind]

        kinds = [*_MIXED, "get"]
        weights = [*_MIXED.values(), 100 - sum(_MIXED.values())]
        return [
            one(kind, place) for place, kind in enumerate(dice.choices(kinds, weights, k=_GETS))
        ]


def _posted(question: Question) -> tuple[str, str]:
    return f"/{question.method}", json.dumps(question.request)


def _figures(result: Result) -> Figures:
    """What is kept of a result; what was refused is counted, and its first answer printed."""
    if result.busy > _BUSY:
        print(
            f"    the load itself was busy for {result.busy:.0%} of the time: it may be what is "
            "measured",
            flush=True,
        )
    if result.errors:
        print(
            f"    {result.errors} of {result.count} were refused, such as: {result.said[:200]}",
            flush=True,
        )
    return {
        "rate": result.rate,
        "p50": result.p50,
        "p99": result.p99,
        "p999": result.p999,
        "errors": float(result.errors),
        "busy": result.busy,
    }

"""What filters of meetings find is what a look at each of them finds, whatever is asked."""

import random
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")

CHANNELS = ("zoom", "teams", "offline")
STATES = ("scheduled", "completed", "canceled")
DAYS = tuple(f"2023-01-{day:02}T00:00:00.000Z" for day in range(1, 10))


# Without a repr: it would be a page long, and examples show it.
@dataclass(repr=False)
class Held:
    """An org, its meetings as they were answered at the end, and what they refer to by number."""

    client: Client
    meetings: list[Any]
    people: list[str]
    parents: list[str]
    tags: list[str]


@pytest.fixture(scope="module")
def held(server: Server) -> Held:
    """An org with meetings of all kinds, some of them changed and some deleted since."""
    client, dice = server.make_org("Met"), random.Random(7)
    people = [client.user, *(server.make_user(client).user for _ in range(3))]
    accounts = [{"display_name": f"A{number}"} for number in range(3)]
    parents = [client.ok("accounts.create", one)["account"]["display_id"] for one in accounts]
    tags = [client.ok("tags.create", {"name": f"t{n}"})["tag"]["display_id"] for n in range(3)]

    def fields() -> dict[str, Any]:
        begins, ends = sorted(dice.choices(DAYS, k=2))
        return {
            "channel": dice.choice(CHANNELS),
            "state": dice.choice(STATES),
            "organizer": dice.choice(people),
            **({"scheduled_date": begins, "ended_date": ends} if dice.random() < 0.7 else {}),
        }

    def links() -> tuple[list[str], list[Any]]:
        some = dice.sample(tags, dice.randrange(3))
        return dice.sample(people, dice.randint(1, 3)), [{"id": tag} for tag in some]

    for number in range(40):
        members, chosen = links()
        parent = {"parent": dice.choice(parents)} if dice.random() < 0.7 else {}
        id_ = client.meeting(members=members, tags=chosen, **parent, **fields())["id"]
        if number % 3 == 0:
            members, chosen = links()
            change = {"id": id_, "members": {"set": members}, "tags": {"set": chosen}}
            client.ok("meetings.update", {**change, **fields()})
        if number % 5 == 0:
            client.ok("meetings.delete", {"id": id_})
    return Held(client, client.everything()["meetings"], people, parents, tags)


def _some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=3)


numbers = st.lists(st.integers(0, 2), max_size=3)
dates = st.fixed_dictionaries({}, optional={end: st.sampled_from(DAYS) for end in ("after", "before")})  # fmt: skip
filters = st.fixed_dictionaries(
    {},
    optional={
        "channel": _some(CHANNELS),
        "state": _some(STATES),
        "members": numbers,
        "organizer": numbers,
        "parent": numbers,
        "tags": numbers,
        "scheduled_date": dates,
        "ended_date": dates,
    },
)


def _has(meeting: Any, name: str) -> list[str]:
    """What a filter goes by, as display ids and texts."""
    value = meeting.get(name, [])
    values = value if isinstance(value, list) else [value]
    inner = [one["tag"] if name == "tags" else one for one in values]
    return [one["display_id"] if isinstance(one, dict) else one for one in inner]


def _matches(meeting: Any, asked: dict[str, Any]) -> bool:
    for name, value in asked.items():
        if isinstance(value, dict):
            date = meeting.get(name)
            ends = value.get("after", ""), value.get("before", "9")
            if date is None or not ends[0] < date < ends[1]:
                return False
        elif value and not {*value} & {*_has(meeting, name)}:
            return False
    return True


@settings(max_examples=80)
@given(asked=filters, limit=st.integers(1, 9))
def test_filters_find_what_a_look_at_each_finds_and_count_says_how_many(
    held: Held, asked: dict[str, Any], limit: int
) -> None:
    known = {
        "members": held.people,
        "organizer": held.people,
        "parent": held.parents,
        "tags": held.tags,
    }
    request = {
        name: [known[name][number] for number in value] if name in known else value
        for name, value in asked.items()
    }
    wanted = [one for one in held.meetings if _matches(one, request)]
    assert held.client.ok("meetings.count", request) == {"count": len(wanted)}
    page = held.client.ok("meetings.list", {**request, "limit": limit})["meetings"]
    assert page == wanted[:limit]

"""What holds for whatever is sent, over HTTP."""

import random
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")

TYPES = (
    "call", "conversation", "custom", "default", "email", "linked_in", "meeting", "offline", "survey",
)  # fmt: skip
SORTS = ("created_date", "modified_date", "scheduled_date", "title")


class Known(NamedTuple):
    """An org and the ids in it."""

    client: Client
    members: list[str]
    parents: list[str]
    tags: list[str]


@pytest.fixture(scope="module")
def acme(server: Server) -> Known:
    """An org with something to refer to."""
    client = server.make_org("Acme")
    members = [client.user, *(server.make_user(client).user for _ in range(2))]
    accounts = [
        client.ok("accounts.create", {"display_name": f"A{n}"})["account"]["id"] for n in range(3)
    ]
    work = {
        "type": "opportunity",
        "title": "o",
        "applies_to_part": "PROD-1",
        "owned_by": members[:1],
        "account": accounts[0],
    }
    parents = [*accounts, client.ok("works.create", work)["work"]["id"]]
    tags = [
        client.ok("tags.create", {"name": f"t{n}", "allowed_values": ["a", "b"]})["tag"]["id"]
        for n in range(3)
    ]
    return Known(client, members, parents, tags)


# Unicode without NUL and lone surrogates.
characters = st.characters(
    exclude_characters="\0", categories=("L", "M", "N", "P", "S", "Z", "Cc", "Cf", "Co", "Cn")
)
texts = st.text(characters)
# Letters and symbols that show nothing.
FILLERS = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"


def _is_seen(text: str) -> bool:
    return any(unicodedata.category(one)[0] in "LNPS" and one not in FILLERS for one in text)


titles = st.text(characters, min_size=1, max_size=256).filter(_is_seen)
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
dates = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 30), timezones=offsets)  # noqa: DTZ001  # the zone is drawn
urls = st.from_regex(
    r"https?://[a-z]{1,9}\.example(:[1-9][0-9]{1,3})?(/[A-Za-z0-9._~%-]{0,20})*(\?[a-z=&]{0,9})?",
    fullmatch=True,
)


def _wire(moment: datetime) -> str:
    """A time as it comes back."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return (
        utc.isoformat(timespec="microseconds" if utc.microsecond % 1000 else "milliseconds") + "Z"
    )


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A create; ids are positions in `Known`."""
    some: dict[str, Any] = {
        "members": draw(st.lists(st.integers(0, 2), min_size=1, max_size=5)),
        "title": draw(titles),
    }
    some["scheduled_date"] = draw(dates)
    fields: dict[str, st.SearchStrategy[Any]] = {
        "description": texts, "engagement_type": st.sampled_from(TYPES), "external_url": urls,
        "external_ref": st.text(characters, min_size=1, max_size=400).filter(_is_seen), "parents": st.lists(st.integers(0, 3), max_size=5),
        "parent": st.integers(0, 3), "tags": st.lists(st.tuples(st.integers(0, 2), st.sampled_from((None, "a", "b"))), max_size=4),
    }  # fmt: skip
    for name, values in fields.items():
        if draw(st.booleans()):
            some[name] = draw(values)
    return some


def _sent(known: Known, some: dict[str, Any]) -> dict[str, Any]:
    body = dict(some)
    body["scheduled_date"] = some["scheduled_date"].isoformat()
    body["members"] = [known.members[n] for n in some["members"]]
    if "parents" in some:
        body["parents"] = [known.parents[n] for n in some["parents"]]
    if "parent" in some:
        body["parent"] = known.parents[some["parent"]]
    if "tags" in some:
        tags = [(known.tags[n], value) for n, value in some["tags"]]
        body["tags"] = [
            {"id": tag} if value is None else {"id": tag, "value": value} for tag, value in tags
        ]
    return body


def _expected(known: Known, some: dict[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        name: some[name] for name in ("title", "external_url", "external_ref") if name in some
    }
    if "description" in some:
        wanted["description"] = some["description"]
    wanted["engagement_type"] = some.get("engagement_type", "default")
    wanted["scheduled_date"] = _wire(some["scheduled_date"])
    parents = list(
        dict.fromkeys([*([some["parent"]] if "parent" in some else []), *some.get("parents", [])])
    )
    if parents:
        wanted["parents"] = [known.parents[n] for n in parents]
        wanted["parent"] = wanted["parents"][0]
    tags: dict[str, str | None] = {}
    for n, value in some.get("tags", []):
        tags.setdefault(known.tags[n], value)
    if tags:
        wanted["tags"] = list(tags)
    if values := {tag: value for tag, value in tags.items() if value is not None}:
        wanted["tag_values"] = values
    return wanted


@settings(max_examples=60)
@given(some=requests())
def test_what_was_written_is_what_is_read(acme: Known, some: dict[str, Any]) -> None:
    body = _sent(acme, some)
    made = acme.client.ok("engagements.create", body)["engagement"]
    own = {
        "id",
        "display_id",
        "created_by",
        "created_date",
        "modified_by",
        "modified_date",
        "members",
    }
    assert {name: value for name, value in made.items() if name not in own} == _expected(acme, some)
    numbers = [member.rpartition("/")[2] for member in made["members"]]
    assert numbers == [acme.members[n].rpartition("-")[2] for n in dict.fromkeys(some["members"])]
    assert acme.client.ok("engagements.get", {"id": made["id"]})["engagement"] == made
    assert acme.client.ok("engagements.list", {"limit": 1})["engagements"] == [made]
    acme.client.ok("engagements.delete", {"id": made["id"]})


@pytest.mark.parametrize("backwards", [False, True])
def test_a_walk_over_http_sees_every_survivor_exactly_once(server: Server, backwards: bool) -> None:
    dice = random.Random()
    client = server.make_org("Walked")
    for sort in ([], ["title:asc"], ["scheduled_date:desc", "title:asc"]):
        before = [client.engagement(title=dice.choice("abAB"))["id"] for _ in range(25)]
        standing = {
            one["id"] for one in client.ok("engagements.list", {"limit": 100})["engagements"]
        }
        gone: set[str] = set()
        seen: list[str] = []
        request: dict[str, Any] = {"limit": dice.randrange(1, 6), "sort_by": sort}
        if backwards:
            request["mode"] = "before"
        while True:
            page = client.ok("engagements.list", request)
            seen += [one["id"] for one in page["engagements"]]
            cursor = page.get("prev_cursor" if backwards else "next_cursor")
            if cursor is None:
                break
            request["cursor"] = cursor
            if dice.random() < 0.5:
                client.engagement(title=dice.choice("abAB"))
            left = [one for one in before if one not in gone]
            if left and dice.random() < 0.5:
                victim = dice.choice(left)
                client.ok("engagements.delete", {"id": victim})
                gone.add(victim)
        assert len(seen) == len(set(seen))
        assert standing - gone <= set(seen)


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    """Filters of list and count, as the body has them."""
    first, last = datetime(2020, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001  # Z is added
    instants = st.datetimes(first, last).map(lambda one: one.isoformat() + "Z")
    ids = st.sampled_from(("DEVU-1", "DEVU-2", "devu-3", "REVU-9"))
    fields: dict[str, st.SearchStrategy[Any]] = {
        "type": st.lists(st.sampled_from(TYPES), max_size=3),
        "members": st.lists(ids, max_size=3),
        "parent": st.lists(st.sampled_from(("ACC-1", "ACC-2", "OPP-1")), max_size=3),
        "tags": st.lists(st.sampled_from(("TAG-1", "tag-2")), max_size=3),
        # An item of nothing has no spelling of its own in a query.
        "external_ref": st.lists(
            st.text(characters, min_size=1, max_size=12).filter(lambda one: '"' not in one),
            max_size=3,
        ),
        "scheduled_date": st.fixed_dictionaries(
            {}, optional={"after": instants, "before": instants}
        ).filter(bool),
        "created_date": st.fixed_dictionaries(
            {}, optional={"after": instants, "before": instants}
        ).filter(bool),
    }
    return {name: draw(values) for name, values in fields.items() if draw(st.booleans())}


def _query(body: dict[str, Any], spelling: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in body.items():
        if isinstance(value, dict):
            pairs += [(f"{name}.{inner}", text) for inner, text in value.items()]
        elif isinstance(value, list) and value:
            quoted = [f'"{item}"' for item in value]
            pairs += (
                [(name, one) for one in quoted]
                if spelling == "repeated"
                else [(name, ",".join(quoted))]
            )
        elif not isinstance(value, list):
            pairs.append((name, str(value)))
    return pairs


@settings(max_examples=60)
@given(body=filters(), spelling=st.sampled_from(("repeated", "comma list")), limit=st.integers(0, 101),
       sort=st.lists(st.sampled_from(SORTS), max_size=2), broken=st.sampled_from(("", "", "cursor", "colour")))  # fmt: skip
def test_the_get_form_answers_as_the_post_form(
    acme: Known, *, body: dict[str, Any], spelling: str, limit: int, sort: list[str], broken: str
) -> None:
    listed = {**body, "limit": limit, "sort_by": [f"{one}:asc" for one in sort]}
    if broken:
        listed[broken] = "x"
    for method, request in (("engagements.count", body), ("engagements.list", listed)):
        post, get = (
            acme.client.call(method, request),
            acme.client.get(method, _query(request, spelling)),
        )
        assert (get.status, get.body) == (post.status, post.body)


@settings(max_examples=15)
@given(keys=st.lists(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255),
                     min_size=1, max_size=4, unique=True),
       retries=st.integers(1, 4), seed=st.integers())  # fmt: skip
def test_retries_in_any_order_are_one_write_with_one_answer(
    server: Server, *, keys: list[str], retries: int, seed: int
) -> None:
    client = server.make_org("Retried")
    sends = [key for key in keys for _ in range(retries)]
    random.Random(seed).shuffle(sends)
    answers: dict[str, Any] = {}
    for key in sends:
        body = {
            "members": [client.user],
            "scheduled_date": "2023-01-01T12:00:00Z",
            "title": f"for {key}"[:256],
        }
        answer = client.call("engagements.create", body, idempotency_key=key)
        assert answer.status == 201
        assert ("idempotent-replayed" in answer.headers) == (key in answers)
        assert answers.setdefault(key, answer.body) == answer.body
    assert client.ok("engagements.count")["count"] == len(keys)
    other = client.call(
        "engagements.create",
        {"members": [client.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "another"},
        idempotency_key=sends[-1],
    )
    assert (other.status, other.type) == (400, "bad_request")

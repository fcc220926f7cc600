"""People, accounts and tags that rows name by what others know of them."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.contract.kit.fields import EMAIL, Json
from rapport.contract.kit.hosts import host_name
from rapport.transfer.asking import MOST_LISTED, Taker, many, pieces
from rapport.transfer.journal import Change
from rapport.transfer.records import Person, Record
from rapport.transfer.said import short

_ID = re.compile(r"(?:[A-Za-z]+-[1-9][0-9]*|don:\S+|(?:ref|email|domain):.+)")
_ADDRESS = re.compile(EMAIL)
# How many names are remembered before they are asked for anew.
_MOST_KNOWN = 200_000


class Made(NamedTuple):
    """What came into being for a name: its family and the API's answer."""

    family: str
    document: Json


class Matching:
    """Finds whom and what rows name; a name is asked for once.

    Args:
        taker: who is asked.
        creates: whether people, accounts and tags that are not there are made.
        note: is told of each that is made, or was about to be when a run ended.
    """

    def __init__(self, taker: Taker, *, creates: bool, note: Callable[[Made], None]) -> None:
        self._taker = taker
        self._creates = creates
        self._note = note
        self._known: dict[tuple[str, str], str | None] = {}

    async def learn(self, records: Sequence[Record]) -> None:
        """Look up, or make, all that rows name."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        people = {
            one.address.lower(): one
            for record in records
            for one in record.people
            if _ADDRESS.match(one.address)
        }
        accounts = {text for record in records for text in record.accounts}
        tags = {tag["name"]: tag for one in records for tag in _named_tags(one)}
        await self._accounts({text for text in accounts if not _ID.fullmatch(text)})
        await self._people(people)
        await self._tags(tags)

    def of(self, what: str, text: str) -> str | None:
        """The id of what a text names; None where there is nothing of that name."""
        return text if _ID.fullmatch(text) else self._known.get((what, text.lower()))

    def _unknown(self, what: str, texts: Iterable[str]) -> list[str]:
        return sorted({one for one in texts if (what, one.lower()) not in self._known})

    async def _lists(
        self,
        what: str,
        method: str,
        filter_: str,
        texts: Sequence[str],
        names: Callable[[Any], Any],
    ) -> None:
        """Note what lists find by a filter."""
        family = method.partition(".")[0].replace("-", "_")
        requests = [
            (method, {filter_: [*some], "limit": MOST_LISTED})
            for some in pieces(texts, MOST_LISTED)
        ]
        for answer in await many(self._taker, requests):
            for one in msgspec.json.decode(answer.body)[family] if answer.is_done else ():
                for name in names(one):
                    self._known.setdefault((what, name.lower()), short(one))

    async def _people(self, people: dict[str, Person]) -> None:
        asked = self._unknown("person", people)
        for method in ("dev-users.list", "rev-users.list"):
            await self._lists(
                "person",
                method,
                "email",
                asked,
                lambda one: [one["email"]] if "email" in one else [],
            )
        missing = self._unknown("person", asked)
        if self._creates and missing:
            await self._make(
                "person",
                "rev_users",
                {one: self._person(people[one]) for one in missing},
            )
        self._known.update({("person", one): None for one in self._unknown("person", missing)})

    def _person(self, person: Person) -> Json:
        """The request that makes somebody; of the account whose domain their address has."""
        account = self._known.get(("account", person.address.rpartition("@")[2].lower()))
        return {
            "email": person.address,
            "display_name": person.name or person.address,
            **({"account": account} if account else {}),
        }

    async def _accounts(self, texts: set[str]) -> None:
        asked = self._unknown("account", texts)
        hosts = [one for one in asked if _host(one)]
        await self._lists(
            "account",
            "accounts.list",
            "external_refs",
            asked,
            lambda one: one.get("external_refs", ()),
        )
        await self._lists(
            "account", "accounts.list", "domains", hosts, lambda one: one.get("domains", ())
        )
        await self._lists(
            "account", "accounts.list", "display_name", asked, lambda one: [one["display_name"]]
        )
        missing = self._unknown("account", asked)
        if self._creates and missing:
            requests: dict[str, Json] = {
                one: {"display_name": one, **({"domains": [_host(one)]} if _host(one) else {})}
                for one in missing
            }
            await self._make("account", "accounts", requests)
        self._known.update(
            {("account", one.lower()): None for one in self._unknown("account", missing)}
        )

    async def _tags(self, tags: dict[str, Json]) -> None:
        asked = self._unknown("tag", tags)
        await self._lists("tag", "tags.list", "name", asked, lambda one: [one["name"]])
        missing = self._unknown("tag", asked)
        if self._creates and missing:
            requests: dict[str, Json] = {
                one: {
                    "name": one,
                    **({"allowed_values": [tags[one]["value"]]} if "value" in tags[one] else {}),
                }
                for one in missing
            }
            await self._make("tag", "tags", requests)
        self._known.update({("tag", one.lower()): None for one in self._unknown("tag", missing)})

    async def _make(self, what: str, family: str, requests: dict[str, Json]) -> None:
        method = f"{family.replace('_', '-')}.create"
        answers = await many(self._taker, [(method, one) for one in requests.values()])
        for text, answer in zip(requests, answers, strict=True):
            if answer.is_done:
                made: Any = msgspec.json.decode(answer.body)[family.removesuffix("s")]
                self._known[what, text.lower()] = short(made)
                self._note(Made(family, made))


def _host(text: str) -> str:
    """A text as a domain; empty where it is none."""
    try:
        return host_name(text) if "." in text else ""
    except ValueError:
        return ""


def _named_tags(record: Record) -> list[Json]:
    return [tag for tag in record.fields.get("tags", ()) if "name" in tag]


def matched(record: Record, matching: Matching, me: str) -> Record:
    """A row whose people, accounts and tags are ids here; the names of those that nobody is found
    by go into its custom fields.
    """
    fields = dict(record.fields)
    rest: dict[str, list[str]] = {}
    if record.people:
        fields["members"] = _members(record, matching, rest)
    if record.family in {"engagements", "meetings"} and not fields.get("members"):
        fields["members"] = [me]
    if record.accounts:
        fields |= _accounts(record, matching, rest)
    if _named_tags(record):
        fields["tags"] = _tags(record, matching, rest)
    if rest:
        fields["custom_fields"] = {**rest, **fields.get("custom_fields", {})}
    return record._replace(fields=fields)


def _members(record: Record, matching: Matching, rest: dict[str, list[str]]) -> list[str]:
    members: list[str] = []
    for person in record.people:
        id_ = matching.of("person", person.address)
        if id_ is None:
            named = f"{person.name} <{person.address}>" if person.name else person.address
            rest.setdefault("people", []).append(named)
        elif id_ not in members:
            members.append(id_)
    return members


def _accounts(record: Record, matching: Matching, rest: dict[str, list[str]]) -> Json:
    found = [(text, matching.of("account", text)) for text in record.accounts]
    ids = list(dict.fromkeys(id_ for _, id_ in found if id_ is not None))
    if missing := [text for text, id_ in found if id_ is None]:
        rest["accounts"] = missing
    if not ids:
        return {}
    if record.family == "engagements":
        return {"parents": ids}
    return {"parent" if record.family == "meetings" else "account": ids[0]}


def _tags(record: Record, matching: Matching, rest: dict[str, list[str]]) -> list[Json]:
    tags = []
    for tag in record.fields["tags"]:
        id_ = matching.of("tag", tag["name"]) if "name" in tag else tag["id"]
        if id_ is None:
            rest.setdefault("tags", []).append(tag["name"])
        else:
            tags.append({"id": id_, **({"value": tag["value"]} if "value" in tag else {})})
    return tags


def change_of(made: Made, says: Callable[[str, Json], str]) -> Change:
    """What a journal notes of something that was made."""
    return Change(
        action="made",
        family=made.family,
        id=short(made.document),
        says=says(made.family, made.document),
    )

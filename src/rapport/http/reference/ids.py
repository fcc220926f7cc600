"""Where a page finds ids of the caller's own org, to put in place of those of its examples."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from rapport.contract.kit.fields import Json

_ID = re.compile(r"[A-Z]+-[1-9][0-9]*")


class Source(NamedTuple):
    """Where ids of one prefix are found.

    Args:
        method: answers them; empty where none does.
        request: what to ask it.
        key: the field of the answer that has them.
        make: the method that makes one, for an org that has none.
        pattern: what an id has in it, where the answer has others too.
    """

    method: str
    request: Json
    key: str
    make: str
    pattern: str = ""


_FEW = {"limit": 3}
# In the feed stand ids of what has no list of its own, or one that wants to know whose.
_SOURCES = {
    "ACC": Source("accounts.list", _FEW, "accounts", "accounts.create"),
    "ARTIFACT": Source("artifacts.list", _FEW, "artifacts", "artifacts.prepare"),
    "COMMENT": Source("events.list", {"kinds": ["timeline_entry"], "limit": 100}, "events",
                      "timeline-entries.create", ":comment/"),
    "DELIVERY": Source("webhook-deliveries.list", _FEW, "webhook_deliveries", "webhooks.create"),
    "DEVU": Source("dev-users.list", _FEW, "dev_users", "dev-users.create"),
    "ENGAGEMENT": Source("engagements.list", _FEW, "engagements", "engagements.create"),
    "LINK": Source("events.list", {"kinds": ["link"], "limit": 100}, "events", "links.create"),
    "OPP": Source("works.list", {"type": ["opportunity"], "limit": 3}, "works", "works.create"),
    "REV": Source("rev-orgs.list", _FEW, "rev_orgs", "rev-orgs.create"),
    "REVU": Source("rev-users.list", _FEW, "rev_users", "rev-users.create"),
    # Nothing lists them.
    "SVCACC": Source("", {}, "", "service-accounts.create"),
    "TAG": Source("tags.list", _FEW, "tags", "tags.create"),
    "TOKEN": Source("auth-tokens.list", {}, "tokens", "auth-tokens.create"),
    "WEBHOOK": Source("webhooks.list", {}, "webhooks", "webhooks.create"),
}  # fmt: skip


def sources(example: Json, served: Iterable[str]) -> Json:
    """For each id in an example, where the page finds another one; as JSON.

    Args:
        example: a request.
        served: the methods that this server has.
    """
    found = {one: _SOURCES.get(one.partition("-")[0]) for one in sorted(_ids(example))}
    return {
        one: source._asdict()
        for one, source in found.items()
        if source and source.method in {*served, ""}
    }


def _ids(value: object) -> set[str]:
    if isinstance(value, dict):
        return {one for inner in value.values() for one in _ids(inner)}
    if isinstance(value, list):
        return {one for inner in value for one in _ids(inner)}
    return {value} if isinstance(value, str) and _ID.fullmatch(value) else set()

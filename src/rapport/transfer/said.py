"""What an object says, as the request that would make it: the same for objects that differ in
nothing but ids, dates and authors.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rapport.clock import parse_rfc3339
from rapport.contract.kit import ids
from rapport.contract.kit.fields import Json

# Leads a display id to another one; None where it leads nowhere.
Lead = Callable[[str], str | None]


class LeadsNowhere(Exception):
    """An object refers to something that is not there."""

    def __init__(self, field: str, display_id: str) -> None:
        super().__init__(f"{field}: there is no {display_id} among what was imported.")
        self.field = field


def short(value: Any) -> str:
    """The display id of what a field of an answer refers to: a DON, or a summary."""
    if isinstance(value, dict):
        return str(value["display_id"])
    return ids.short(str(value))


def _plain(value: Any) -> Any:
    return value


def _many(value: Any) -> list[str]:
    return [short(one) for one in value]


def _id(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) else value


def _stage(value: Any) -> Any:
    return {"name": value["name"]}


def _date(value: str) -> int:
    return parse_rfc3339(value)


def _tags(value: Any) -> list[Any]:
    return [
        {"id": short(one["tag"]), **({"value": one["value"]} if "value" in one else {})}
        for one in value
    ]


def _subtype(value: str) -> Json:
    return {"subtype": value}


def _files(value: Any) -> list[Any]:
    """Files by what can be told of them elsewhere."""
    return [
        [one["file"].get("name"), one["file"].get("size")] if isinstance(one, dict) else one
        for one in value
    ]


_REFS = frozenset({
    "account", "contacts", "members", "object", "organizer", "owned_by", "parent", "parents",
    "private_to", "reported_by", "reports_to", "rev_org", "source", "target",
})  # fmt: skip
_Says = Mapping[str, tuple[str, Callable[[Any], Any]]]


def _same(*names: str) -> dict[str, tuple[str, Callable[[Any], Any]]]:
    return {name: (name, _plain) for name in names}


_COMMON: _Says = {
    "artifacts": ("artifacts", _files),
    "custom_fields": ("custom_fields", _plain),
    "tags": ("tags", _tags),
    "subtype": ("custom_schema_spec", _subtype),
}
# By family, of each field of its objects the field of the request, and how it gets there.
_SAYS: dict[str, _Says] = {
    "dev_users": {
        **_same("email", "full_name", "display_name", "role", "custom_fields"),
        "reports_to": ("reports_to", short),
    },
    "tags": _same("name", "description", "allowed_values", "style_new"),
    "accounts": {
        **_COMMON,
        **_same("display_name", "description", "domains", "external_refs", "tier", "websites"),
        "custom_schema_fragments": ("schema_fragment_ids", _plain),
        "owned_by": ("owned_by", _many),
    },
    "rev_orgs": {
        **{name: how for name, how in _COMMON.items() if name != "subtype"},
        **_same(
            "display_name", "description", "domain", "environment", "external_ref", "tier",
            "custom_schema_fragments",
        ),
        "account": ("account", short),
    },
    "rev_users": {
        **_COMMON,
        **_same(
            "display_name", "email", "description", "external_ref", "external_refs",
            "phone_numbers", "custom_schema_fragments",
        ),
        "rev_org": ("rev_org", short),
    },
    "works": {
        **_COMMON,
        **_same(
            "type", "title", "amount", "annual_contract_value", "body", "custom_schema_fragments",
            "customer_budget", "external_ref", "priority", "probability", "value",
        ),
        "account": ("account", short),
        "applies_to_part": ("applies_to_part", _id),
        "contacts": ("contacts", _many),
        "forecast_category_v2": ("forecast_category_v2", _id),
        "owned_by": ("owned_by", _many),
        "reported_by": ("reported_by", _many),
        "stage": ("stage", _stage),
        "target_close_date": ("target_close_date", _date),
    },
    "engagements": {
        "artifacts": ("artifacts", _files),
        **_same(
            "custom_fields", "description", "engagement_type", "external_ref", "external_url",
            "title",
        ),
        "members": ("members", _many),
        "parents": ("parents", _many),
        "scheduled_date": ("scheduled_date", _date),
    },
    "meetings": {
        **{name: how for name, how in _COMMON.items() if name != "subtype"},
        **_same(
            "channel", "description", "external_ref", "external_url", "recording_url", "state",
            "title",
        ),
        "ended_date": ("ended_date", _date),
        "members": ("members", _many),
        "organizer": ("organizer", short),
        "parent": ("parent", short),
        "scheduled_date": ("scheduled_date", _date),
    },
    "links": {
        "link_type": ("link_type", _plain),
        "custom_link_type": ("custom_link_type", _id),
        "source": ("source", short),
        "target": ("target", short),
    },
    "timeline_entries": {
        "artifacts": ("artifacts", _files),
        **_same("type", "body", "body_type", "external_ref", "labels", "snap_kit_body",
                "visibility"),
        "object": ("object", short),
        "panels": ("collections", _plain),
        "private_to": ("private_to", _many),
    },
}  # fmt: skip


def said(family: str, found: Json) -> Json:
    """What an object says: what it refers to by display ids of its own store, files by name and
    size, dates in microseconds.
    """
    says = _SAYS[family]
    fields = {
        to: how(found[name]) for name, (to, how) in says.items() if found.get(name) is not None
    }
    if family == "engagements" and "tags" in found:
        fields["tags"] = _tags_of_engagement(found)
    return fields


def _tags_of_engagement(found: Json) -> list[Any]:
    """The tags of an engagement, plain or as summaries."""
    if found["tags"] and isinstance(found["tags"][0], dict):
        return _tags(found["tags"])
    values = found.get("tag_values", {})
    return [
        {"id": short(tag), **({"value": values[tag]} if tag in values else {})}
        for tag in found["tags"]
    ]


def led(fields: Mapping[str, Any], lead: Lead) -> Json:
    """The same, with what it refers to in another store.

    Raises:
        LeadsNowhere: something is not there.
    """

    def one(name: str, display_id: str) -> str:
        found = lead(display_id)
        if found is None:
            raise LeadsNowhere(name, display_id)
        return found

    result: Json = {}
    for name, value in fields.items():
        if name in _REFS:
            result[name] = (
                [one(name, each) for each in value] if isinstance(value, list) else one(name, value)
            )
        elif name == "tags":
            result[name] = [{**tag, "id": one(name, tag["id"])} for tag in value]
        else:
            result[name] = value
    return result

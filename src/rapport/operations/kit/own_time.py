"""Own time: what is brought from elsewhere keeps who made and changed it, and when."""

from collections.abc import Mapping, Sequence
from typing import Any

from rapport.auth.caller import may_import
from rapport.contract.kit.errors import ApiError, Forbidden, as_one
from rapport.contract.kit.fields import UNSET
from rapport.contract.kit.ids import UserId
from rapport.contract.kit.own_time import FIELDS, IMPORT, Dated
from rapport.operations.kit.context import Call, Stamps
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import not_permitted
from rapport.store.kit.db import Tx
from rapport.store.kit.references import resolve

Own = dict[str, Any]


async def own_times(
    tx: Tx, calls: Sequence[Call[Any]]
) -> tuple[dict[int, ApiError], dict[int, Stamps]]:
    """By position the refusals of requests that may not say who and when, or not so, and the stamps
    of those that may. Users are looked up in one statement.
    """
    asked = {
        position: own
        for position, call in enumerate(calls)
        if isinstance(call.request, Dated) and (own := _said(call.request))
    }
    if not asked:
        return {}, {}
    users = {
        key
        for position, own in asked.items()
        for key in wanted(calls[position].caller.org, _users(own).values())
    }
    found = await resolve(tx, users)
    refused: dict[int, ApiError] = {}
    stamps: dict[int, Stamps] = {}
    for position, own in asked.items():
        call = calls[position]
        if not may_import(call.caller):
            refused[position] = _forbidden(own)
            continue
        stamps[position] = _stamps(call, own)
        references = References(call.caller.org, found)
        for name, user in _users(own).items():
            references.one(name, user)
        problems = [*references.problems, *_wrong_dates(stamps[position], own, call.now)]
        if problems:
            refused[position] = as_one(problems)
    return refused, stamps


def _said(request: Any) -> Own:
    values = {name: getattr(request, name) for name in FIELDS}
    return {name: value for name, value in values.items() if value is not UNSET}


def _users(own: Own) -> Mapping[str, UserId]:
    return {name: value for name, value in own.items() if isinstance(value, UserId)}


def _stamps(call: Call[Any], own: Own) -> Stamps:
    made_by = own["created_by"].display_id if "created_by" in own else call.caller.user_id
    made = int(own.get("created_date", call.now))
    return Stamps(
        made_by,
        made,
        own["modified_by"].display_id if "modified_by" in own else made_by,
        int(own.get("modified_date", made)),
    )


def _wrong_dates(stamps: Stamps, own: Own, now: int) -> list[ApiError]:
    problems: list[ApiError] = [
        not_permitted(name, "must not be in the future", "Give the time when it was.")
        for name in ("created_date", "modified_date")
        if own.get(name, now) > now
    ]
    if not problems and stamps.modified_date < stamps.created_date:
        detail = "Give a later one, or created_date with it."
        problems.append(not_permitted("modified_date", "must not be before created_date", detail))
    return problems


def _forbidden(own: Own) -> Forbidden:
    return Forbidden(
        f"{next(iter(own))}: to say who made something and when takes the scope {IMPORT}.",
        detail=f"Leave {', '.join(own)} out, or use an admin's token with {IMPORT} among its "
        "scopes.",
    )

"""Webhooks: make, find, change, delete, and send an object to one anew."""

import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from rapport.auth import scopes
from rapport.auth.caller import Caller
from rapport.clock import format_rfc3339
from rapport.contract import webhooks as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError, Forbidden, raise_all
from rapport.contract.kit.fields import Raw, UnsetType
from rapport.events.log import kind_of
from rapport.operations.kit.atoms import atom, authors
from rapport.operations.kit.changes import (
    SYSTEM,
    audited,
    distinct,
    tell_created,
    tell_deleted,
    tell_updated,
)
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import found
from rapport.operations.kit.listing import NEWEST_FIRST, cursors, walk_of
from rapport.operations.kit.optional import chosen, given, or_unset
from rapport.operations.kit.refusals import not_permitted, unknown_id
from rapport.operations.kit.showing import shown, shows, touching
from rapport.store import events as event_store
from rapport.store import webhook_deliveries as deliveries
from rapport.store import webhooks as store
from rapport.store.kit import numbers, query
from rapport.store.kit.db import Tx
from rapport.store.webhooks import WebhookRow
from rapport.webhooks import messages, signatures

_MOST_HEADERS = 8
_SORTS = (NEWEST_FIRST,)
_OPEN = ("pending", "verify", "verifying")
_CHALLENGES = ("verify", "verifying")


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.WebhooksCreateRequest
) -> contract.WebhooksCreateResponse:
    """Make a webhook and let its receiver be asked whether it wants it. It hears of what
    happens from now on.
    """
    headers = [(header.name, header.value) for header in given(request.headers)]
    raise_all([*_unreachable(ctx, request.url), *_twice("headers", headers)])
    row = WebhookRow(
        org=ctx.org,
        number=await numbers.take_one(ctx.tx, ids.WEBHOOK, ctx.org),
        url=str(request.url),
        status="unverified",
        event_types=json.dumps(distinct(given(request.event_types))),
        headers=_headers(headers),
        secret=str(request.secret or signatures.make_secret()),
        secret_before=None,
        secret_changed_date=None,
        position=0,
        created_by=ctx.caller.user_id,
        created_date=ctx.now,
        modified_by=ctx.caller.user_id,
        modified_date=ctx.now,
    )
    (webhook,) = await _webhooks(ctx.tx, [row])
    await store.insert(ctx.tx, row)
    await tell_created(ctx, webhook.display_id)
    await store.update(ctx.tx, row._replace(position=await _now_at(ctx)))
    await _challenge(ctx, row.number)
    return contract.WebhooksCreateResponse(webhook=webhook)


@handles(contract.GET)
async def get(ctx: Context, request: contract.WebhooksGetRequest) -> contract.WebhooksGetResponse:
    """Find a webhook."""
    row = await found(ctx, request.id, store.get)
    return contract.WebhooksGetResponse(webhook=(await _webhooks(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.WebhooksListRequest
) -> contract.WebhooksListResponse:
    """A page of webhooks."""
    walk = walk_of("webhooks", _SORTS, store.SORTS, request)
    where = store.of_org(ctx.org)
    where.among("status", given(request.status))
    page = await query.page(ctx.tx, where, walk)
    return contract.WebhooksListResponse(
        webhooks=await _webhooks(ctx.tx, page.rows), **cursors("webhooks", walk, page)
    )


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.WebhooksUpdateRequest
) -> contract.WebhooksUpdateResponse:
    """Change a webhook. Another URL, and being activated, have to be verified before anything
    is sent there.
    """
    row = await found(ctx, request.id, store.lock)
    headers = _changed_headers(row, request)
    problems = [] if isinstance(request.url, UnsetType) else _unreachable(ctx, request.url)
    raise_all([*_too_many(headers), *problems])
    event_types = _changed_types(row, request)
    after = row._replace(
        url=str(chosen(request.url, row.url)),
        event_types=json.dumps(event_types),
        headers=_headers(headers),
        status=_changed_status(row, request),
        **_changed_secret(ctx, row, request),
    )
    if after.status != "inactive" and (row.status == "inactive" or row.event_types == "[]"):
        # What happened while nobody wanted to hear of it is over.
        after = after._replace(position=await _now_at(ctx))
    changed = audited(ctx, row, after)
    (webhook,) = await _webhooks(ctx.tx, [changed or row])
    if changed is not None:
        await store.update(ctx.tx, changed)
        await tell_updated(ctx, _told((await _webhooks(ctx.tx, [row]))[0]), _told(webhook))
    asked = request.action == "activate" and row.status != "active"
    if asked or after.url != row.url or after.status == "inactive":
        await deliveries.cancel(ctx.tx, (ctx.org, row.number), _CHALLENGES, ctx.now)
        if after.status == "unverified":
            await _challenge(ctx, row.number)
    return contract.WebhooksUpdateResponse(webhook=webhook)


def _changed_status(row: WebhookRow, request: contract.WebhooksUpdateRequest) -> str:
    if request.action == "deactivate" or (
        row.status == "inactive" and request.action != "activate"
    ):
        return "inactive"
    same_url = chosen(request.url, row.url) == row.url
    return "active" if row.status == "active" and same_url else "unverified"


def _changed_types(row: WebhookRow, request: contract.WebhooksUpdateRequest) -> list[str]:
    before: list[str] = json.loads(row.event_types)
    change = request.event_types
    if isinstance(change, UnsetType):
        return before
    kept: Sequence[str] = before if isinstance(change.set, UnsetType) else change.set
    return [one for one in distinct([*kept, *given(change.add)]) if one not in given(change.remove)]


def _changed_headers(
    row: WebhookRow, request: contract.WebhooksUpdateRequest
) -> list[tuple[str, str]]:
    """The headers after a request, by name; one that is added again has the new value.

    Raises:
        ValueNotPermitted: a name comes twice.
    """
    before = [(header["name"], header["value"]) for header in json.loads(row.headers)]
    change = request.headers
    if isinstance(change, UnsetType):
        return before
    problems = []
    for name in ("set", "add"):
        sent = [(header.name, header.value) for header in given(getattr(change, name))]
        problems += _twice(f"headers.{name}", sent)
    raise_all(problems)
    kept = (
        before
        if isinstance(change.set, UnsetType)
        else [(header.name, header.value) for header in change.set]
    )
    dropped = {name.lower() for name in given(change.remove)}
    after = {name.lower(): (name, value) for name, value in kept if name.lower() not in dropped}
    after |= {header.name.lower(): (header.name, header.value) for header in given(change.add)}
    return list(after.values())


def _changed_secret(
    ctx: Context, row: WebhookRow, request: contract.WebhooksUpdateRequest
) -> dict[str, Any]:
    secret = chosen(request.secret, row.secret)
    if secret == row.secret:
        return {}
    return {"secret": str(secret), "secret_before": row.secret, "secret_changed_date": ctx.now}


def _headers(headers: Sequence[tuple[str, str]]) -> str:
    return json.dumps([{"name": str(name), "value": str(value)} for name, value in headers])


def _unreachable(ctx: Context, url: str) -> list[ApiError]:
    """What keeps a URL from being a webhook's; where its name leads is checked each time before
    it is dialled.
    """
    problem = ctx.tools.reach.problem(url)
    if problem is None:
        return []
    detail = "Give a public URL, or ask the operator for RAPPORT_WEBHOOK_ALLOW_PRIVATE."
    return [not_permitted("url", problem, detail, value=url)]


def _twice(field_name: str, headers: Sequence[tuple[str, str]]) -> list[ApiError]:
    names = [name.lower() for name, _ in headers]
    return [
        not_permitted(
            f"{field_name}[{position}].name",
            "must not name a header twice",
            "Send each header once.",
            value=name,
        )
        for position, name in enumerate(names)
        if name in names[:position]
    ]


def _too_many(headers: Sequence[tuple[str, str]]) -> list[ApiError]:
    if len(headers) <= _MOST_HEADERS:
        return []
    reason = f"must leave at most {_MOST_HEADERS} headers"
    return [not_permitted("headers.add", reason, "Remove some.", value="[…]")]


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.WebhooksDeleteRequest
) -> contract.WebhooksDeleteResponse:
    """Delete a webhook; what it was not told yet it will not be told."""
    row = await found(ctx, request.id, store.lock)
    await tell_deleted(ctx, *map(_told, await _webhooks(ctx.tx, [row])))
    await deliveries.cancel(ctx.tx, (ctx.org, row.number), _OPEN, ctx.now)
    await store.delete(ctx.tx, ctx.org, row.number)
    return contract.WebhooksDeleteResponse()


@handles(contract.FETCH)
async def fetch(
    ctx: Context, request: contract.WebhooksFetchRequest
) -> contract.WebhooksFetchResponse:
    """Send an object to a webhook as it is now, whatever the webhook is told of otherwise.

    DevRev knows `work_fetched`; objects of other kinds go as `<kind>_fetched` after the same
    pattern. The caller needs the scope to read the object, too: who may make webhooks may not read
    everything by them.
    """
    row = await found(ctx, request.id, store.lock)
    id_, kind = request.object, kind_of(request.object.display_id)
    if not scopes.grants(ctx.caller.scope, f"{kind}:read"):
        raise Forbidden(
            f"object: the token lacks the scope {kind}:read that sending {id_.display_id} needs.",
            detail=f"Its scope is: {ctx.caller.scope}. Use a token with {kind}:read.",
        )
    answers = await shown(ctx.tx, ctx.org, [id_.display_id]) if id_.belongs_to(ctx.org) else {}
    if not answers:
        raise unknown_id("object", id_)
    type_ = f"{kind}_fetched"
    document = msgspec.json.encode({type_: {kind: answers[id_.display_id]}}).decode()
    one = deliveries.NewDelivery(
        ctx.org, row.number, await _now_at(ctx), type_, id_.display_id, document
    )
    await deliveries.add(ctx.tx, [one], now=ctx.now)
    return contract.WebhooksFetchResponse()


async def _now_at(ctx: Context) -> int:
    """The number of the org's last event."""
    return (await event_store.bounds(ctx.tx, ctx.org))[1]


async def _challenge(ctx: Context, number: int) -> None:
    await deliveries.add(ctx.tx, [messages.challenge(ctx.org, number)], now=ctx.now)


async def _webhooks(tx: Tx, rows: Sequence[WebhookRow]) -> list[contract.Webhook]:
    people = await authors(tx, rows)
    return [
        contract.Webhook(
            **atom(ids.WEBHOOK, row, people),
            event_types=or_unset(json.loads(row.event_types)),
            headers=or_unset(msgspec.json.decode(row.headers, type=list[contract.WebhookHeader])),
            secret=row.secret,
            secret_changed_date=or_unset(
                row.secret_changed_date and format_rfc3339(row.secret_changed_date)
            ),
            status=row.status,  # type: ignore[arg-type]  # what the store has
            url=row.url,
        )
        for row in rows
    ]


@shows(ids.WEBHOOK)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, Raw]:
    """Webhooks by display id, as events tell of them."""
    rows = await query.numbered(tx, store.of_org(org), numbers_)
    return {
        ids.WEBHOOK.display_id(row.number): _told(webhook)
        for row, webhook in zip(rows, await _webhooks(tx, rows), strict=True)
    }


def telling(tx: Tx, key: store.WebhookKey, now: int) -> AbstractAsyncContextManager[None]:
    """Tell what the `async with` block, the server's own work, changes of a webhook."""
    org, number = key
    return touching(
        Context(Caller(org, SYSTEM, "admin"), now, tx), [ids.WEBHOOK.display_id(number)]
    )


def _told(webhook: contract.Webhook) -> Raw:
    """A webhook as events and other webhooks tell of it: without its secret, and its headers
    may hold others.
    """
    fields = msgspec.json.decode(msgspec.json.encode(webhook), type=dict[str, Any])
    del fields["secret"]
    for header in fields.get("headers", []):
        header["value"] = "(hidden)"
    return Raw(msgspec.json.encode(fields))

"""Dev users: make, find, who am I."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.contract import dev_users as contract
from rapport.contract import ids
from rapport.contract.errors import NotFound, ValueNotPermitted, raise_all
from rapport.contract.fields import UNSET, UnsetType
from rapport.operations.atoms import atom, authors, or_unset, value_of
from rapport.operations.context import Context, handles
from rapport.operations.listing import add_dates, given, read_walk
from rapport.operations.references import References, wanted
from rapport.store import numbers
from rapport.store import users as store
from rapport.store.db import Tx, UniqueViolation
from rapport.store.references import resolve


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a dev user's row keeps beside its columns."""

    reports_to: str | None = None
    custom_fields: dict[str, Any] | None = None


@handles(contract.CREATE)
async def create(ctx: Context, request: contract.DevUsersCreateRequest) -> contract.DevUsersCreateResponse:
    """Make a dev user, in the state `shadow`."""
    reports_to = [] if isinstance(request.reports_to, UnsetType) else [request.reports_to]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, reports_to)))
    document = Document(
        reports_to=references.one("reports_to", request.reports_to), custom_fields=value_of(request.custom_fields)
    )
    raise_all(references.problems)
    row = await add(
        ctx.tx, org=ctx.org, email=request.email, full_name=value_of(request.full_name),
        display_name=value_of(request.display_name), state=request.state, role=request.role or "member",
        by=ctx.caller.user_id, now=ctx.now, document=document,
    )  # fmt: skip
    return contract.DevUsersCreateResponse(dev_user=(await _dev_users(ctx.tx, [row]))[0])


async def add(
    tx: Tx, *, org: str, email: str, full_name: str | None, display_name: str | None, state: str, role: str,
    by: str | None, now: int, document: Document | None = None, number: int | None = None,
) -> store.UserRow:  # fmt: skip
    """Add a dev user; without `by` they made themselves, as an org's first one does.

    Raises:
        ValueNotPermitted: the email is in use.
    """
    number = await numbers.take_one(tx, ids.DEV_USER, org) if number is None else number
    display_id = f"{ids.DEV_USER.prefix}-{number}"
    row = store.UserRow(
        org=org, display_id=display_id, kind=ids.DEV_USER.name, number=number,
        display_name=display_name or full_name or email.partition("@")[0], full_name=full_name, email=email,
        state=state, role=role, external_ref=None, rev_org=None, created_by=by or display_id, created_date=now,
        modified_by=by or display_id, modified_date=now, document=msgspec.json.encode(document or Document()).decode(),
    )  # fmt: skip
    try:
        await store.insert(tx, row)
    except UniqueViolation as error:
        user = await store.by_email(tx, org, email)
        raise ValueNotPermitted(
            f"email: {email[:80]!r} is in use by {user.display_id if user else 'another dev user'}.",
            detail="Use another email, or that user.",
            field_name="email",
            reason="must be unique among the org's dev users",
            **({"existing_id": ids.don_of(user.display_id, org)} if user else {}),
        ) from error
    return row


@handles(contract.GET)
async def get(ctx: Context, request: contract.DevUsersGetRequest) -> contract.DevUsersGetResponse:
    """Find a dev user."""
    row = await store.get(ctx.tx, ctx.org, request.id.display_id) if request.id.belongs_to(ctx.org) else None
    if row is None:
        raise NotFound(f"There is no dev user {request.id.text[:80]!r}.", detail="It never was, or it was deleted.")
    return contract.DevUsersGetResponse(dev_user=(await _dev_users(ctx.tx, [row]))[0])


@handles(contract.SELF)
async def self_(ctx: Context, _request: contract.DevUsersSelfRequest) -> contract.DevUsersSelfResponse:
    """The caller."""
    row = await store.get(ctx.tx, ctx.org, ctx.caller.user_id)
    if row is None or row.kind != ids.DEV_USER.name:
        raise NotFound("The caller is not a dev user.", detail="Use a dev user's token.")
    return contract.DevUsersSelfResponse(dev_user=(await _dev_users(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.DevUsersListRequest) -> contract.DevUsersListResponse:
    """A page of dev users."""
    walk = read_walk("dev-users", request, store.SORTS)
    where = store.of_kind(ctx.org, ids.DEV_USER.name)
    emails = [email.casefold() for email in given(request.email)]
    where.any_of("emails", emails, "u.email_key IN ({values})")
    where.any_of("states", given(request.state), "u.state IN ({values})")
    add_dates(where, "u.created_date", request.created_date)
    add_dates(where, "u.modified_date", request.modified_date)
    page = await store.listed(ctx.tx, where, walk.sorts, **walk.arguments())
    return contract.DevUsersListResponse(dev_users=await _dev_users(ctx.tx, page.rows), **walk.cursors(page))


async def _dev_users(tx: Tx, rows: Sequence[Any]) -> list[contract.DevUser]:
    documents = [msgspec.json.decode(row.document, type=Document) for row in rows]
    managers = [(row.org, doc.reports_to) for row, doc in zip(rows, documents, strict=True) if doc.reports_to]
    people = await authors(tx, rows, managers)
    return [
        contract.DevUser(
            **atom(ids.DEV_USER, row, people),
            display_name=or_unset(row.display_name),
            email=or_unset(row.email),
            full_name=or_unset(row.full_name),
            state=row.state,
            custom_fields=or_unset(document.custom_fields),
            reports_to=people.get((row.org, document.reports_to or ""), UNSET),
            role=or_unset(row.role),
        )
        for row, document in zip(rows, documents, strict=True)
    ]

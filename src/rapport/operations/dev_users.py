"""Dev users: make, find, change, let in, keep out, who am I."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract import dev_users as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import BadRequest, ValueNotPermitted, raise_all
from rapport.contract.kit.fields import UNSET, EnumValue, Raw, UnsetType
from rapport.contract.kit.ids import Id
from rapport.operations.kit.atoms import atom, authors
from rapport.operations.kit.changes import (
    audited,
    changed,
    custom_fields,
    first_custom_fields,
    keep_picture,
    subtype,
    tell_created_by,
    tell_updated,
)
from rapport.operations.kit.context import Context, Stamps, handles, stamps_of
from rapport.operations.kit.finding import find, found
from rapport.operations.kit.listing import (
    add_custom_fields,
    add_dates,
    cursors,
    match_none,
    read_walk,
    resolved,
)
from rapport.operations.kit.optional import chosen, given, or_unset, sent
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import not_permitted, quoted, unknown_id
from rapport.operations.kit.showing import shows
from rapport.store import users as store
from rapport.store.kit import numbers, query, terms
from rapport.store.kit.db import Tx
from rapport.store.kit.references import resolve


class Job(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A job that a dev user has or had; the dates are microseconds since 1970."""

    employment_status: int | None = None
    end_date: int | None = None
    is_current: bool | None = None
    location: str | None = None
    start_date: int | None = None
    title: str | None = None


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a dev user's row keeps beside its columns."""

    reports_to: str | None = None
    custom_fields: dict[str, Raw] | None = None
    experience_start_date: int | None = None
    job_history: list[Job] = []
    job_title: contract.JobTitle | None = None
    subtype: str | None = None


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.DevUsersCreateRequest
) -> contract.DevUsersCreateResponse:
    """Make a dev user, in the state `shadow`."""
    reports_to = [] if isinstance(request.reports_to, UnsetType) else [request.reports_to]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, reports_to)))
    document = Document(
        reports_to=references.one("reports_to", request.reports_to),
        custom_fields=first_custom_fields(request.custom_fields),
        subtype=subtype(None, request.custom_schema_spec),
    )
    raise_all(references.problems)
    row = await add(
        ctx.tx,
        org=ctx.org,
        email=request.email,
        full_name=chosen(request.full_name, None),
        display_name=chosen(request.display_name, None),
        state=request.state,
        role=request.role or "member",
        by=ctx.caller.user_id,
        now=ctx.now,
        document=document,
        own=ctx.own,
    )
    return contract.DevUsersCreateResponse(dev_user=(await _dev_users(ctx.tx, [row]))[0])


async def add(
    tx: Tx,
    *,
    org: str,
    email: str,
    full_name: str | None,
    display_name: str | None,
    state: str,
    role: str,
    by: str | None,
    now: int,
    document: Document | None = None,
    number: int | None = None,
    own: Stamps | None = None,
) -> store.UserRow:
    """Add a dev user; without `by` they made themselves, as an org's first one does.

    Raises:
        ValueNotPermitted: the email is in use.
    """
    await _check_email(tx, org, email)
    number = await numbers.take_one(tx, ids.DEV_USER, org) if number is None else number
    display_id = ids.DEV_USER.display_id(number)
    row = store.UserRow(
        org=org,
        display_id=display_id,
        kind=ids.DEV_USER.name,
        number=number,
        display_name=display_name or full_name or email.partition("@")[0],
        full_name=full_name,
        email=email,
        state=state,
        role=role,
        external_ref=None,
        rev_org=None,
        **(own or stamps_of(by or display_id, now))._asdict(),
        document=msgspec.json.encode(document or Document()).decode(),
    )
    await store.insert(tx, row)
    await _put_terms(tx, row, document or Document())
    await tell_created_by(tx, org, by or display_id, now, display_id, imported=own is not None)
    return row


async def _check_email(tx: Tx, org: str, email: str, *, of: str | None = None) -> None:
    """Refuse an email that a dev user has, other than `of`, who is going to have it.

    Raises:
        ValueNotPermitted: it is in use.
    """
    user = await store.by_email(tx, org, email)
    if user is None or user.display_id == of:
        return
    raise ValueNotPermitted(
        f"email: {quoted(email)} is in use by {user.display_id}.",
        detail="Use another email, or that user.",
        field_name="email",
        reason="must be unique among the org's dev users",
        existing_id=ids.don_of(user.display_id, org),
    )


async def _put_terms(tx: Tx, row: store.UserRow, document: Document) -> None:
    fields = {"users.custom_fields": terms.of_custom_fields(document.custom_fields)}
    await terms.put(tx, row.org, row.display_id, fields)


@handles(contract.GET)
async def get(ctx: Context, request: contract.DevUsersGetRequest) -> contract.DevUsersGetResponse:
    """Find a dev user."""
    row = await found(ctx, request.id, store.get)
    return contract.DevUsersGetResponse(dev_user=(await _dev_users(ctx.tx, [row]))[0])


@handles(contract.SELF)
async def self_(
    ctx: Context, _request: contract.DevUsersSelfRequest
) -> contract.DevUsersSelfResponse:
    """The caller."""
    row = await store.get(ctx.tx, ctx.org, ctx.caller.user_id)
    if row is None or row.kind != ids.DEV_USER.name:
        raise _not_a_dev_user()
    return contract.DevUsersSelfResponse(dev_user=(await _dev_users(ctx.tx, [row]))[0])


def _not_a_dev_user() -> BadRequest:
    # The facts list no 404 for what the caller does to itself.
    return BadRequest("The caller is not a dev user.", detail="Use a dev user's token.")


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.DevUsersListRequest
) -> contract.DevUsersListResponse:
    """A page of dev users."""
    walk = read_walk("dev-users", request, store.SORTS)
    where = store.of_kind(ctx.org, ids.DEV_USER.name)
    where.among("email", given(request.email))
    where.among("state", given(request.state))
    add_custom_fields(where, request.custom_fields)
    add_dates(where, "created_date", resolved("created_date", request.created_date, ctx.now))
    add_dates(where, "modified_date", resolved("modified_date", request.modified_date, ctx.now))
    match_none(where, request.external_identity, request.phone_numbers, request.timezone)
    page = await query.page(ctx.tx, where, walk)
    return contract.DevUsersListResponse(
        dev_users=await _dev_users(ctx.tx, page.rows), **cursors("dev-users", walk, page)
    )


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.DevUsersUpdateRequest
) -> contract.DevUsersUpdateResponse:
    """Change a dev user. The facts list no 404 here, so an absent one is a bad id."""
    row = await find(ctx, request.id, store.lock)
    if row is None:
        raise unknown_id("id", request.id)
    role, email = chosen(request.role, row.role), chosen(request.email, row.email)
    await _check(ctx, row, row._replace(role=role, email=email), "role")
    return await _update(ctx, request, row, role=role, email=email)


@handles(contract.SELF_UPDATE)
async def self_update(
    ctx: Context, request: contract.DevUsersSelfUpdateRequest
) -> contract.DevUsersUpdateResponse:
    """Change the caller."""
    row = await store.lock(ctx.tx, ctx.org, ctx.caller.user_id)
    if row is None or row.kind != ids.DEV_USER.name:
        raise _not_a_dev_user()
    return await _update(ctx, request, row, role=row.role, email=row.email)


async def _update(
    ctx: Context,
    request: contract.DevUsersSelfUpdateRequest,
    row: store.UserRow,
    *,
    role: str | None,
    email: str | None,
) -> contract.DevUsersUpdateResponse:
    before = msgspec.json.decode(row.document, type=Document)
    refers = [id_ for id_ in (request.display_picture, request.reports_to) if isinstance(id_, Id)]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, refers)))
    picture = references.picture("display_picture", request.display_picture)
    reports_to = references.one("reports_to", request.reports_to)
    raise_all(references.problems)
    document = msgspec.structs.replace(
        before,
        **sent(request, "experience_start_date", "job_title"),
        custom_fields=custom_fields(before.custom_fields, request.custom_fields),
        job_history=before.job_history
        if isinstance(request.job_history, UnsetType)
        else _jobs(request.job_history),
        reports_to=reports_to or before.reports_to,
        subtype=subtype(before.subtype, request.custom_schema_spec),
    )
    after = row._replace(
        display_name=chosen(request.display_name, row.display_name),
        full_name=chosen(request.full_name, row.full_name),
        role=role,
        email=email,
        document=msgspec.json.encode(document).decode(),
        display_picture=row.display_picture
        if isinstance(request.display_picture, UnsetType)
        else picture,
    )

    async def write(row: store.UserRow) -> None:
        await store.update(ctx.tx, row)
        await keep_picture(ctx, row)
        await _put_terms(ctx.tx, row, document)

    dev_user = await changed(ctx, row, after, write, _dev_users)
    return contract.DevUsersUpdateResponse(dev_user=dev_user)


def _jobs(jobs: Sequence[contract.UpdateJobHistoryItem]) -> list[Job]:
    return [Job(**sent(job, *contract.UpdateJobHistoryItem.__struct_fields__)) for job in jobs]


@handles(contract.ACTIVATE)
async def activate(
    ctx: Context, request: contract.DevUsersActivateRequest
) -> contract.DevUsersActivateResponse:
    """Let a dev user in. Nothing is sent to them: an admin makes them a token."""
    row = await _set_state(ctx, request.id, "active")
    return contract.DevUsersActivateResponse(
        invite_sent=False, dev_user=(await _dev_users(ctx.tx, [row]))[0]
    )


@handles(contract.DEACTIVATE)
async def deactivate(
    ctx: Context, request: contract.DevUsersDeactivateRequest
) -> contract.DevUsersDeactivateResponse:
    """Keep a dev user out: every request looks at the state, so their tokens are refused from
    now on.
    """
    await _set_state(ctx, request.id, "deactivated")
    return contract.DevUsersDeactivateResponse()


async def _set_state(ctx: Context, id_: ids.DevUserId, state: str) -> store.UserRow:
    row = await found(ctx, id_, store.lock)
    return await alter(ctx, row, row._replace(state=state), "id")


async def alter(
    ctx: Context, row: store.UserRow, wanted: store.UserRow, field_name: str
) -> store.UserRow:
    """Give a dev user another state, role or email, or a service account, of which nothing is
    told; the row as it is then.

    Args:
        ctx: of the call.
        row: the row as it is, held.
        wanted: the row as it shall be; who changed it and when is added.
        field_name: what asks for it.

    Raises:
        ValueNotPermitted: the email is in use, or the org would be without an active admin.
    """
    after = audited(ctx, row, wanted)
    if after is None:
        return row
    await _check(ctx, row, after, field_name)
    before = await _dev_users(ctx.tx, [row])
    await store.update(ctx.tx, after)
    if row.kind == ids.DEV_USER.name:
        await tell_updated(ctx, *before, *await _dev_users(ctx.tx, [after]))
    return after


async def _check(ctx: Context, row: store.UserRow, after: store.UserRow, field_name: str) -> None:
    """Refuse what an org's dev users can't be together.

    Raises:
        ValueNotPermitted: the email is in use, or the org would be without an active admin.
    """
    if after.email and after.email != row.email:
        await _check_email(ctx.tx, ctx.org, after.email, of=row.display_id)
    if _is_admin(row) and not _is_admin(after):
        await keep_an_admin(ctx, row, field_name)


def _is_admin(row: store.UserRow) -> bool:
    # A service account with the role of one helps nobody who has to sign in.
    return (row.kind, row.role, row.state) == (ids.DEV_USER.name, "admin", "active")


async def keep_an_admin(ctx: Context, row: store.UserRow, field_name: str) -> None:
    """Refuse that an active admin is one no more, if no other would be left.

    Raises:
        ValueNotPermitted: they are the last.
    """
    if await store.is_only_admin(ctx.tx, ctx.org, row.display_id):
        raise not_permitted(
            field_name,
            f"{row.display_id} is the org's last active admin, and there must be one",
            "Make another dev user an active admin first.",
        )


@shows(ids.DEV_USER)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.DevUser]:
    """Dev users by display id."""
    rows = await query.numbered(tx, store.of_kind(org, ids.DEV_USER.name), numbers_)
    return {user.display_id: user for user in await _dev_users(tx, rows)}


async def _dev_users(tx: Tx, rows: Sequence[Any]) -> list[contract.DevUser]:
    documents = [msgspec.json.decode(row.document, type=Document) for row in rows]
    managers = [
        (row.org, doc.reports_to)
        for row, doc in zip(rows, documents, strict=True)
        if doc.reports_to
    ]
    people = await authors(tx, rows, [*managers, *((row.org, row.display_id) for row in rows)])
    return [
        contract.DevUser(
            **atom(ids.DEV_USER, row, people),
            display_name=or_unset(row.display_name),
            display_picture=people[row.org, row.display_id].display_picture,
            email=or_unset(row.email),
            full_name=or_unset(row.full_name),
            state=row.state,
            custom_fields=or_unset(document.custom_fields),
            experience_start_date=_date(document.experience_start_date),
            job_history=or_unset([_job(job) for job in document.job_history]),
            job_title=or_unset(document.job_title),
            reports_to=people.get((row.org, document.reports_to or ""), UNSET),
            role=or_unset(row.role),
            subtype=or_unset(document.subtype),
        )
        for row, document in zip(rows, documents, strict=True)
    ]


def _job(job: Job) -> contract.JobHistoryItem:
    status = job.employment_status
    return contract.JobHistoryItem(
        employment_status=UNSET
        if status is None
        else EnumValue(id=status, label=str(status), ordinal=status),
        end_date=_date(job.end_date),
        is_current=or_unset(job.is_current),
        location=or_unset(job.location),
        start_date=_date(job.start_date),
        title=or_unset(job.title),
    )


def _date(moment: int | None) -> str | UnsetType:
    return UNSET if moment is None else format_rfc3339(moment)

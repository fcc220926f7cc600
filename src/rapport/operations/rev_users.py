"""Rev users: make, find."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.contract import ids
from rapport.contract import rev_users as contract
from rapport.contract.errors import Conflict, NotFound, raise_all
from rapport.contract.fields import UNSET, UnsetType
from rapport.contract.users import RevUserSummary
from rapport.operations.atoms import atom, authors, or_unset, tags_with_values, value_of
from rapport.operations.context import Context, handles
from rapport.operations.listing import add_audit, given, own_ids, read_walk
from rapport.operations.references import References, wanted
from rapport.store import accounts, numbers, summaries, terms
from rapport.store import users as store
from rapport.store.db import Tx, UniqueViolation
from rapport.store.references import resolve


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a rev user's row keeps beside its columns; tags are display ids."""

    custom_fields: dict[str, Any] | None = None
    description: str | None = None
    external_refs: list[str] = []
    phone_numbers: list[str] = []
    tags: list[tuple[str, str | None]] = []


@handles(contract.CREATE)
async def create(ctx: Context, request: contract.RevUsersCreateRequest) -> contract.RevUsersCreateResponse:
    """Make a rev user. One with an account but no rev org joins the account's default one."""
    single = [id_ for id_ in (request.account, request.rev_org) if not isinstance(id_, UnsetType)]
    everything = [*single, *(tag.id for tag in given(request.tags))]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    account = references.one("account", request.account)
    rev_org = references.one("rev_org", request.rev_org)
    document = Document(
        custom_fields=value_of(request.custom_fields),
        description=value_of(request.description),
        external_refs=list(dict.fromkeys(given(request.external_refs))),
        phone_numbers=list(given(request.phone_numbers)),
        tags=references.tags("tags", request.tags),
    )
    raise_all(references.problems)
    if rev_org is None and account is not None:
        number = await accounts.default_rev_org(ctx.tx, ctx.org, int(account.rpartition("-")[2]))
        rev_org = None if number is None else f"REV-{number}"
    row = await add(
        ctx.tx, org=ctx.org, display_name=value_of(request.display_name), email=value_of(request.email),
        external_ref=value_of(request.external_ref), rev_org=rev_org, document=document, by=ctx.caller.user_id,
        now=ctx.now,
    )  # fmt: skip
    return contract.RevUsersCreateResponse(rev_user=(await _rev_users(ctx.tx, [row]))[0])


async def add(
    tx: Tx, *, org: str, display_name: str | None, email: str | None, external_ref: str | None, rev_org: str | None,
    document: Document, by: str, now: int,
) -> store.UserRow:  # fmt: skip
    """Add a rev user.

    Raises:
        Conflict: its external_ref is in use.
    """
    number = await numbers.take_one(tx, ids.REV_USER, org)
    row = store.UserRow(
        org=org, display_id=f"REVU-{number}", kind=ids.REV_USER.name, number=number, display_name=display_name,
        full_name=None, email=email, state="active", role=None, external_ref=external_ref, rev_org=rev_org,
        created_by=by, created_date=now, modified_by=by, modified_date=now,
        document=msgspec.json.encode(document).decode(),
    )  # fmt: skip
    try:
        await store.insert(tx, row)
    except UniqueViolation as error:
        raise Conflict(
            f"external_ref: {(external_ref or '')[:80]!r} is in use by another rev user.",
            detail="Update that rev user, or use another external_ref.",
        ) from error
    fields = {
        "users.external_refs": document.external_refs,
        "users.phone_numbers": document.phone_numbers,
        "users.tags": [tag for tag, _ in document.tags],
    }
    await terms.put(tx, org, row.display_id, fields)
    return row


@handles(contract.GET)
async def get(ctx: Context, request: contract.RevUsersGetRequest) -> contract.RevUsersGetResponse:
    """Find a rev user."""
    row = await store.get(ctx.tx, ctx.org, request.id.display_id) if request.id.belongs_to(ctx.org) else None
    if row is None:
        raise NotFound(f"There is no rev user {request.id.text[:80]!r}.", detail="It never was, or it was deleted.")
    return contract.RevUsersGetResponse(rev_user=(await _rev_users(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.RevUsersListRequest) -> contract.RevUsersListResponse:
    """A page of rev users."""
    walk = read_walk("rev-users", request, store.SORTS)
    where = store.of_kind(ctx.org, ids.REV_USER.name)
    where.any_of("emails", [email.casefold() for email in given(request.email)], "u.email_key IN ({values})")
    where.any_of("external_ref", given(request.external_ref), "u.external_ref IN ({values})")
    where.any_of("rev_orgs", own_ids(ctx.org, request.rev_org), "u.rev_org IN ({values})")
    store.having_any(where, "external_refs", given(request.external_refs))
    store.having_any(where, "phone_numbers", given(request.phone_numbers))
    store.having_any(where, "tags", own_ids(ctx.org, request.tags))
    if request.is_verified is True:
        # Nothing here verifies a rev user yet.
        where.where("1 = 0")
    add_audit(where, "u", ctx.org, request)
    page = await store.listed(ctx.tx, where, walk.sorts, **walk.arguments())
    return contract.RevUsersListResponse(rev_users=await _rev_users(ctx.tx, page.rows), **walk.cursors(page))


async def _rev_users(tx: Tx, rows: Sequence[Any]) -> list[contract.RevUser]:
    documents = [msgspec.json.decode(row.document, type=Document) for row in rows]
    people = await authors(tx, rows, [(row.org, row.display_id) for row in rows])
    org = rows[0].org if rows else ""
    tags = await summaries.tags(tx, org, [tag for document in documents for tag, _ in document.tags])
    return [
        contract.RevUser(
            **atom(ids.REV_USER, row, people),
            display_name=or_unset(row.display_name),
            email=or_unset(row.email),
            phone_numbers=or_unset(document.phone_numbers),
            state=row.state,
            custom_fields=or_unset(document.custom_fields),
            description=or_unset(document.description),
            external_ref=or_unset(row.external_ref),
            external_refs=or_unset(document.external_refs),
            is_verified=False,
            rev_org=own.rev_org if isinstance(own := people[org, row.display_id], RevUserSummary) else UNSET,
            tags=or_unset(tags_with_values(tags, document.tags)),
        )
        for row, document in zip(rows, documents, strict=True)
    ]

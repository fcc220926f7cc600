"""Rev users: make, find, change, delete."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.contract import rev_users as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ValueNotPermitted, raise_all
from rapport.contract.kit.fields import UNSET, Raw, UnsetType
from rapport.contract.kit.ids import ArtifactId, Id
from rapport.contract.users import RevUserSummary
from rapport.operations.kit.atoms import (
    artifact_summaries,
    atom,
    authors,
    find_artifacts,
    tags_with_values,
)
from rapport.operations.kit.changes import (
    audited,
    changed,
    claim_artifacts,
    custom_fields,
    detach,
    distinct,
    first_custom_fields,
    keep_picture,
    subtype,
    tell_created_by,
    tell_deleted,
)
from rapport.operations.kit.context import Context, Stamps, handles, stamps_of
from rapport.operations.kit.finding import found
from rapport.operations.kit.listing import add_audit, add_custom_fields, cursors, own_ids, read_walk
from rapport.operations.kit.optional import chosen, given, only_set, or_unset, sent
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import in_use, referred_to
from rapport.operations.kit.showing import shows, touching
from rapport.operations.kit.upserts import upserts
from rapport.store import engagements, meetings, rev_orgs, summaries
from rapport.store import users as store
from rapport.store.kit import numbers, query, terms
from rapport.store.kit.db import Tx, UniqueViolation
from rapport.store.kit.references import resolve


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a rev user's row keeps beside its columns; tags and artifacts are display ids."""

    artifacts: list[str] = []
    custom_fields: dict[str, Raw] | None = None
    description: str | None = None
    external_refs: list[str] = []
    fragments: list[str] = []
    phone_numbers: list[str] = []
    subtype: str | None = None
    tags: list[tuple[str, str | None]] = []


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.RevUsersCreateRequest
) -> contract.RevUsersCreateResponse:
    """Make a rev user. One with an account but no rev org joins the account's default one."""
    references = await _references(ctx, request, request.artifacts)
    account = references.one("account", request.account)
    artifacts = references.artifacts("artifacts", request.artifacts, holder=None)
    picture = references.picture("display_picture", request.display_picture)
    rev_org = references.one("rev_org", request.rev_org)
    document = Document(
        artifacts=artifacts,
        custom_fields=first_custom_fields(request.custom_fields),
        description=chosen(request.description, None),
        external_refs=distinct(given(request.external_refs)),
        fragments=list(given(request.custom_schema_fragments)),
        phone_numbers=list(given(request.phone_numbers)),
        subtype=subtype(None, request.custom_schema_spec),
        tags=references.tags("tags", request.tags),
    )
    raise_all(references.problems)
    if account is not None:
        rev_org = await _rev_org(ctx, ids.number_of(account), rev_org)
    row = await add(
        ctx.tx,
        org=ctx.org,
        display_name=chosen(request.display_name, None),
        email=chosen(request.email, None),
        external_ref=chosen(request.external_ref, None),
        rev_org=rev_org,
        document=document,
        by=ctx.caller.user_id,
        now=ctx.now,
        own=ctx.own,
        display_picture=picture,
    )
    await keep_picture(ctx, row)
    await claim_artifacts(ctx, document.artifacts, row.display_id)
    return contract.RevUsersCreateResponse(rev_user=(await _rev_users(ctx.tx, [row]))[0])


async def _references(
    ctx: Context,
    request: contract.RevUsersCreateRequest | contract.RevUsersUpdateRequest,
    artifacts: Sequence[ArtifactId] | UnsetType,
) -> References:
    """All that a request refers to, looked up."""
    single = (request.account, request.display_picture, request.rev_org)
    everything: list[Id] = [id_ for id_ in single if isinstance(id_, Id)]
    everything += [*given(artifacts), *(tag.id for tag in given(request.tags))]
    return References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))


async def _rev_org(ctx: Context, account: int, rev_org: str | None) -> str | None:
    """The rev org that was named, checked to be of the account that was named too, or else the
    account's default.

    Raises:
        ValueNotPermitted: it is another account's.
    """
    if rev_org is None:
        default = await rev_orgs.default_of(ctx.tx, ctx.org, account)
        return None if default is None else ids.REV_ORG.display_id(default.number)
    row = await rev_orgs.get(ctx.tx, ctx.org, ids.number_of(rev_org))
    if row is not None and row.account != account:
        raise ValueNotPermitted(
            f"rev_org: {rev_org} is not of {ids.ACCOUNT.display_id(account)}.",
            detail="Leave the account or the rev org out.",
            field_name="rev_org",
            reason="must be a rev org of the account",
        )
    return rev_org


async def add(
    tx: Tx,
    *,
    org: str,
    display_name: str | None,
    email: str | None,
    external_ref: str | None,
    rev_org: str | None,
    document: Document,
    by: str,
    now: int,
    display_picture: int | None = None,
    own: Stamps | None = None,
) -> store.UserRow:
    """Add a rev user.

    Raises:
        Conflict: its external_ref is in use.
    """
    number = await numbers.take_one(tx, ids.REV_USER, org)
    row = store.UserRow(
        org=org,
        display_id=ids.REV_USER.display_id(number),
        kind=ids.REV_USER.name,
        number=number,
        display_name=display_name,
        full_name=None,
        email=email,
        state="active",
        role=None,
        external_ref=external_ref,
        rev_org=rev_org,
        **(own or stamps_of(by, now))._asdict(),
        document=msgspec.json.encode(document).decode(),
        display_picture=display_picture,
    )
    try:
        await store.insert(tx, row)
    except UniqueViolation as error:
        raise in_use("rev user", [external_ref or ""]) from error
    await _put_terms(tx, row, document)
    await tell_created_by(tx, org, by, now, row.display_id, imported=own is not None)
    return row


async def _put_terms(tx: Tx, row: store.UserRow, document: Document) -> None:
    fields = {
        "users.custom_fields": terms.of_custom_fields(document.custom_fields),
        "users.external_refs": document.external_refs,
        "users.phone_numbers": document.phone_numbers,
        "users.tags": [tag for tag, _ in document.tags],
    }
    await terms.put(tx, row.org, row.display_id, fields)


@handles(contract.GET)
async def get(ctx: Context, request: contract.RevUsersGetRequest) -> contract.RevUsersGetResponse:
    """Find a rev user."""
    row = await found(ctx, request.id, store.get)
    return contract.RevUsersGetResponse(rev_user=(await _rev_users(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.RevUsersListRequest
) -> contract.RevUsersListResponse:
    """A page of rev users."""
    walk = read_walk("rev-users", request, store.SORTS)
    where = store.of_kind(ctx.org, ids.REV_USER.name)
    where.among("email", given(request.email))
    where.among("external_ref", given(request.external_ref))
    where.among("rev_org", own_ids(ctx.org, request.rev_org))
    where.among("external_refs", given(request.external_refs))
    where.among("phone_numbers", given(request.phone_numbers))
    where.among("tags", own_ids(ctx.org, request.tags))
    if request.is_verified is True:
        # Nothing here verifies a rev user yet.
        where.nothing()
    where.among("associations", own_ids(ctx.org, request.associations))
    add_custom_fields(where, request.custom_fields)
    add_audit(where, ctx.org, request)
    page = await query.page(ctx.tx, where, walk)
    return contract.RevUsersListResponse(
        rev_users=await _rev_users(ctx.tx, page.rows), **cursors("rev-users", walk, page)
    )


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.RevUsersUpdateRequest
) -> contract.RevUsersUpdateResponse:
    """Change a rev user, all fields or none. What changes nothing is no change."""
    row = await found(ctx, request.id, store.lock)
    artifacts = only_set(request.artifacts)
    references = await _references(ctx, request, artifacts)
    account = references.one("account", request.account)
    attached = references.artifacts("artifacts.set", artifacts, holder=request.id.display_id)
    picture = references.picture("display_picture", request.display_picture)
    rev_org = references.one("rev_org", request.rev_org)
    tags = references.tags("tags", request.tags)
    raise_all(references.problems)
    if account is not None:
        rev_org = await _moved(ctx, row.rev_org, ids.number_of(account), rev_org)
    before = msgspec.json.decode(row.document, type=Document)
    document = msgspec.structs.replace(
        before,
        **sent(request, "description", "phone_numbers"),
        artifacts=before.artifacts if isinstance(artifacts, UnsetType) else attached,
        custom_fields=custom_fields(before.custom_fields, request.custom_fields),
        external_refs=distinct(chosen(request.external_refs, before.external_refs)),
        fragments=chosen(only_set(request.custom_schema_fragments), before.fragments),
        subtype=subtype(before.subtype, request.custom_schema_spec),
        tags=before.tags if isinstance(request.tags, UnsetType) else tags,
    )
    after = row._replace(
        **sent(request, "display_name", "email", "external_ref"),
        rev_org=rev_org or row.rev_org,
        document=msgspec.json.encode(document).decode(),
        display_picture=row.display_picture
        if isinstance(request.display_picture, UnsetType)
        else picture,
    )

    async def write(row: store.UserRow) -> None:
        try:
            await store.update(ctx.tx, row)
        except UniqueViolation as error:
            raise in_use("rev user", [row.external_ref or ""]) from error
        await keep_picture(ctx, row)
        await _put_terms(ctx.tx, row, document)
        await claim_artifacts(ctx, document.artifacts, row.display_id)

    rev_user = await changed(ctx, row, after, write, _rev_users)
    return contract.RevUsersUpdateResponse(rev_user=rev_user)


async def _moved(ctx: Context, before: str | None, account: int, rev_org: str | None) -> str | None:
    """The rev org of a user who goes to an account: where none is named, one who is there stays."""
    if rev_org is None and before is not None:
        row = await rev_orgs.get(ctx.tx, ctx.org, ids.number_of(before))
        if row is not None and row.account == account:
            return before
    return await _rev_org(ctx, account, rev_org)


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.RevUsersDeleteRequest
) -> contract.RevUsersDeleteResponse:
    """Delete a rev user who is no member of an engagement or meeting, and organizes none. The row
    stays, so that tokens still lead to somebody.
    """
    id_ = request.id
    row = await found(ctx, id_, store.lock)
    if held := await engagements.holding(ctx.tx, ctx.org, "members", id_.display_id):
        raise referred_to(id_, held, "engagements")
    for part in ("members", "organizer"):
        if held := await meetings.holding(ctx.tx, ctx.org, part, id_.display_id):
            raise referred_to(id_, held, "meetings")
    await detach(ctx, id_.display_id)
    await tell_deleted(ctx, *await _rev_users(ctx.tx, [row]))
    gone = audited(
        ctx, row, row._replace(state="deleted", email=None, external_ref=None, rev_org=None)
    )
    async with touching(ctx, await terms.owners(ctx.tx, ctx.org, _NAMED_IN, id_.display_id)):
        await store.update(ctx.tx, gone or row)
    await terms.remove(ctx.tx, ctx.org, [id_.display_id])
    return contract.RevUsersDeleteResponse()


# The fields that name a rev user, which a deleted one disappears from.
_NAMED_IN = (
    "accounts.owned_by",
    "opportunities.contacts",
    "opportunities.owned_by",
    "opportunities.reported_by",
)


upserts(ids.REV_USER, contract.UPSERT, contract.CREATE, contract.UPDATE)


@shows(ids.REV_USER)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.RevUser]:
    """Rev users by display id."""
    rows = await query.numbered(tx, store.of_kind(org, ids.REV_USER.name), numbers_)
    return {user.display_id: user for user in await _rev_users(tx, rows)}


async def _rev_users(tx: Tx, rows: Sequence[Any]) -> list[contract.RevUser]:
    documents = [msgspec.json.decode(row.document, type=Document) for row in rows]
    people = await authors(tx, rows, [(row.org, row.display_id) for row in rows])
    org = rows[0].org if rows else ""
    tags = await summaries.tags(
        tx, org, [tag for document in documents for tag, _ in document.tags]
    )
    artifacts = await find_artifacts(tx, org, [document.artifacts for document in documents])
    return [
        contract.RevUser(
            **atom(ids.REV_USER, row, people),
            artifacts=or_unset(artifact_summaries(artifacts, document.artifacts)),
            custom_schema_fragments=or_unset(document.fragments),
            display_name=or_unset(row.display_name),
            display_picture=people[org, row.display_id].display_picture,
            email=or_unset(row.email),
            phone_numbers=or_unset(document.phone_numbers),
            state=row.state,
            custom_fields=or_unset(document.custom_fields),
            description=or_unset(document.description),
            external_ref=or_unset(row.external_ref),
            external_refs=or_unset(document.external_refs),
            is_verified=False,
            rev_org=own.rev_org
            if isinstance(own := people[org, row.display_id], RevUserSummary)
            else UNSET,
            subtype=or_unset(document.subtype),
            tags=or_unset(tags_with_values(tags, document.tags)),
        )
        for row, document in zip(rows, documents, strict=True)
    ]

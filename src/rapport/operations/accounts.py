"""Accounts: make, find, change, delete."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.auth.caller import allows
from rapport.clock import format_rfc3339
from rapport.contract import accounts as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import Forbidden, raise_all
from rapport.contract.kit.fields import UNSET, Raw, UnsetType
from rapport.contract.rev_orgs import RevOrg
from rapport.contract.users import AccountSummary
from rapport.operations.kit.atoms import (
    artifact_summaries,
    atom,
    authors,
    find_artifacts,
    tags_with_values,
)
from rapport.operations.kit.changes import (
    changed,
    claim_artifacts,
    custom_fields,
    detach,
    disband,
    distinct,
    first_custom_fields,
    subtype,
    tell_created_by,
    tell_deleted,
)
from rapport.operations.kit.context import Context, Stamps, handles, stamps_of
from rapport.operations.kit.finding import found
from rapport.operations.kit.listing import (
    add_audit,
    add_custom_fields,
    cursors,
    match_none,
    own_ids,
    read_walk,
)
from rapport.operations.kit.optional import chosen, given, only_set, or_unset, sent
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import in_use, referred_to
from rapport.operations.kit.showing import shown, shows
from rapport.operations.kit.upserts import upserts
from rapport.store import accounts as store
from rapport.store import engagements, meetings, rev_orgs, summaries, touches, works
from rapport.store.kit import numbers, query, terms
from rapport.store.kit.db import NO_DATE, Tx, UniqueViolation
from rapport.store.kit.filters import Filter
from rapport.store.kit.references import resolve

# What one has to see to be told when accounts were in touch.
_TOUCH_SCOPES = ("engagement:read", "meeting:read")


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What an account's row keeps beside its columns; users, tags and artifacts are display ids."""

    artifacts: list[str] = []
    custom_fields: dict[str, Raw] | None = None
    description: str | None = None
    domains: list[str] = []
    external_refs: list[str] = []
    owned_by: list[str] = []
    schema_fragment_ids: list[str] = []
    subtype: str | None = None
    tags: list[tuple[str, str | None]] = []
    websites: list[str] = []


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.AccountsCreateRequest
) -> contract.AccountsCreateResponse:
    """Make an account, and the rev org that its people belong to unless they say otherwise."""
    everything = [
        *given(request.artifacts),
        *given(request.owned_by),
        *(tag.id for tag in given(request.tags)),
    ]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    document = Document(
        artifacts=references.artifacts("artifacts", request.artifacts, holder=None),
        custom_fields=first_custom_fields(request.custom_fields),
        description=chosen(request.description, None),
        domains=_domains(request.domains),
        external_refs=distinct(given(request.external_refs)),
        owned_by=references.many("owned_by", request.owned_by),
        schema_fragment_ids=list(given(request.schema_fragment_ids)),
        subtype=subtype(None, request.custom_schema_spec),
        tags=references.tags("tags", request.tags),
        websites=_texts(request.websites),
    )
    raise_all(references.problems)
    row, rev_org = await add(
        ctx.tx,
        org=ctx.org,
        display_name=request.display_name,
        tier=chosen(request.tier, None),
        document=document,
        by=ctx.caller.user_id,
        now=ctx.now,
        own=ctx.own,
    )
    await claim_artifacts(ctx, document.artifacts, ids.ACCOUNT.display_id(row.number))
    people = await authors(ctx.tx, [row])
    account = (await _with_touches(ctx, [row]))[0]
    summary = AccountSummary(
        display_id=account.display_id, id=account.id, display_name=row.display_name
    )
    default = RevOrg(
        **atom(ids.REV_ORG, rev_org, people),
        account=summary,
        display_name=rev_org.display_name,
    )
    return contract.AccountsCreateResponse(account=account, default_rev_org=default)


async def add(
    tx: Tx,
    *,
    org: str,
    display_name: str,
    tier: str | None,
    document: Document,
    by: str,
    now: int,
    number: int | None = None,
    own: Stamps | None = None,
) -> tuple[store.AccountRow, rev_orgs.RevOrgRow]:
    """Add an account and its default rev org.

    Raises:
        Conflict: one of its external_refs is in use.
    """
    row = store.AccountRow(
        org=org,
        number=await numbers.take_one(tx, ids.ACCOUNT, org) if number is None else number,
        display_name=display_name,
        tier=tier,
        **(own or stamps_of(by, now))._asdict(),
        document=msgspec.json.encode(document).decode(),
    )
    await store.insert(tx, row)
    await _put_terms(tx, row, document)
    rev_org = await _add_default_rev_org(tx, row)
    made = (ids.ACCOUNT.display_id(row.number), ids.REV_ORG.display_id(rev_org.number))
    await tell_created_by(tx, org, by, now, *made, imported=own is not None)
    return row, rev_org


async def _add_default_rev_org(tx: Tx, account: store.AccountRow) -> rev_orgs.RevOrgRow:
    """Add the rev org that the account's people belong to; who made the account made it too."""
    row = rev_orgs.RevOrgRow(
        org=account.org,
        number=await numbers.take_one(tx, ids.REV_ORG, account.org),
        account=account.number,
        is_default=1,
        display_name=account.display_name,
        external_ref=None,
        created_by=account.created_by,
        created_date=account.created_date,
        modified_by=account.modified_by,
        modified_date=account.modified_date,
        document="{}",
    )
    await rev_orgs.insert(tx, row)
    return row


async def _put_terms(tx: Tx, row: store.AccountRow, document: Document) -> None:
    fields = {
        "accounts.custom_fields": terms.of_custom_fields(document.custom_fields),
        "accounts.domains": document.domains,
        "accounts.external_refs": document.external_refs,
        "accounts.owned_by": document.owned_by,
        "accounts.subtype": [document.subtype] if document.subtype is not None else [],
        "accounts.tags": [tag for tag, _ in document.tags],
        "accounts.websites": document.websites,
    }
    try:
        await terms.put(tx, row.org, ids.ACCOUNT.display_id(row.number), fields)
    except UniqueViolation as error:
        raise in_use("account", document.external_refs, field_name="external_refs") from error


def _texts(values: Sequence[str] | UnsetType) -> list[str]:
    """Domains or websites as plain texts."""
    return [str(value) for value in given(values)]


def _domains(values: Sequence[str] | UnsetType) -> list[str]:
    return distinct(_texts(values))


@handles(contract.GET)
async def get(ctx: Context, request: contract.AccountsGetRequest) -> contract.AccountsGetResponse:
    """Find an account."""
    row = await found(ctx, request.id, store.get)
    return contract.AccountsGetResponse(account=(await _with_touches(ctx, [row]))[0])


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.AccountsListRequest
) -> contract.AccountsListResponse:
    """A page of accounts."""
    sorts = store.OWN_SORTS if ctx.tools.is_strict else store.SORTS
    walk = read_walk("accounts", request, sorts)
    ranges = _ranges(request)
    named = [one.name for one in ranges] + [sort.field for sort in walk.sorts]
    _refuse_touches(ctx, [name for name in named if name in store.TOUCHED])
    parts = store.listed(ctx.org, walk.sorts, ranges, ctx.now)
    for where in parts:
        _narrow(where, ctx.org, request)
    page = await query.page_of(ctx.tx, parts, walk)
    return contract.AccountsListResponse(
        accounts=await _with_touches(ctx, page.rows), **cursors("accounts", walk, page)
    )


def _ranges(request: contract.AccountsListRequest) -> list[store.Between]:
    """The filters by touches."""
    dates = {"last_engagement": request.last_engagement, "next_engagement": request.next_engagement}
    ranges = [
        store.Between(name, chosen(one.after, None), chosen(one.before, None))
        for name, one in dates.items()
        if not isinstance(one, UnsetType)
    ]
    many = request.engagements_last_30_days
    if not isinstance(many, UnsetType):
        # The store's ends are exclusive.
        most = None if isinstance(many.max, UnsetType) else many.max + 1
        ranges.append(store.Between("engagements_last_30_days", chosen(many.min, 0) - 1, most))
    return ranges


async def _with_touches(ctx: Context, rows: Sequence[store.AccountRow]) -> list[contract.Account]:
    """Accounts as they are answered."""
    found = await _accounts(ctx.tx, rows)
    await _add_touches(ctx, found)
    return found


async def _add_touches(ctx: Context, accounts: Sequence[contract.Account]) -> None:
    """Say when accounts were in touch, and will be, to whom that may be said. Events don't say
    it: they tell of changes.
    """
    if not _sees_touches(ctx):
        return
    found = [(ids.number_of(account.display_id), account) for account in accounts]
    rhythms = await touches.rhythms(ctx.tx, ctx.org, [number for number, _ in found], ctx.now)
    for number, account in found:
        rhythm = rhythms[number]
        account.engagements_last_30_days = rhythm.recent
        account.last_engagement = _shown(rhythm.last_date)
        account.next_engagement = _shown(rhythm.next_date)


def _sees_touches(ctx: Context) -> bool:
    return all(allows(ctx.caller, scope) for scope in _TOUCH_SCOPES)


def _refuse_touches(ctx: Context, named: Sequence[str]) -> None:
    """Refuse filters and orders by touches to whom they are not said.

    Raises:
        Forbidden: the caller's scopes don't cover engagements and meetings.
    """
    if named and not _sees_touches(ctx):
        scopes = " and ".join(_TOUCH_SCOPES)
        raise Forbidden(
            f"{named[0]} takes the scopes {scopes} too.",
            detail=f"Use a token with {scopes}, or leave {named[0]} out.",
        )


def _shown(date: int) -> str | UnsetType:
    return UNSET if date == NO_DATE else format_rfc3339(date)


def _narrow(
    where: Filter[store.AccountRow], org: str, request: contract.AccountsListRequest
) -> None:
    where.among("display_name", given(request.display_name))
    where.among("tier", given(request.tier))
    # Those that were kept before domains were lower case are found as they were written.
    where.among("domains", [*given(request.domains), *map(str.lower, given(request.domains))])
    where.among("external_refs", given(request.external_refs))
    where.among("websites", given(request.websites))
    where.among("subtype", given(request.subtype))
    where.among("owned_by", own_ids(org, request.owned_by))
    where.among("tags", own_ids(org, request.tags))
    add_custom_fields(where, request.custom_fields)
    add_audit(where, org, request)
    match_none(where, request.stage)


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.AccountsUpdateRequest
) -> contract.AccountsUpdateResponse:
    """Change an account, all fields or none. What changes nothing is no change."""
    row = await found(ctx, request.id, store.lock)
    before = msgspec.json.decode(row.document, type=Document)
    document = await _document_after(ctx, request, before)
    after = row._replace(
        display_name=chosen(request.display_name, row.display_name),
        tier=chosen(request.tier, row.tier),
        document=msgspec.json.encode(document).decode(),
    )

    async def write(row: store.AccountRow) -> None:
        await store.update(ctx.tx, row)
        await _put_terms(ctx.tx, row, document)
        await claim_artifacts(ctx, document.artifacts, request.id.display_id)

    account = await changed(ctx, row, after, write, _accounts)
    await _add_touches(ctx, [account])
    return contract.AccountsUpdateResponse(account=account)


async def _document_after(
    ctx: Context, request: contract.AccountsUpdateRequest, before: Document
) -> Document:
    artifacts = only_set(request.artifacts)
    everything = [
        *given(artifacts),
        *given(request.owned_by),
        *(tag.id for tag in given(request.tags)),
    ]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    links_ = {
        "artifacts": (
            artifacts,
            references.artifacts("artifacts.set", artifacts, holder=request.id.display_id),
        ),
        "owned_by": (request.owned_by, references.many("owned_by", request.owned_by)),
        "tags": (request.tags, references.tags("tags", request.tags)),
        "external_refs": (request.external_refs, distinct(given(request.external_refs))),
        "domains": (request.domains, _domains(request.domains)),
        "websites": (only_set(request.websites), _texts(only_set(request.websites))),
    }
    raise_all(references.problems)
    return msgspec.structs.replace(
        before,
        **sent(request, "description", "schema_fragment_ids"),
        **{
            name: value for name, (said, value) in links_.items() if not isinstance(said, UnsetType)
        },
        custom_fields=custom_fields(before.custom_fields, request.custom_fields),
        subtype=subtype(before.subtype, request.custom_schema_spec),
    )


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.AccountsDeleteRequest
) -> contract.AccountsDeleteResponse:
    """Delete an account that no engagement, meeting or opportunity belongs to, and its rev orgs;
    their users stay.
    """
    id_ = request.id
    await found(ctx, id_, store.lock)
    if held := await engagements.holding(ctx.tx, ctx.org, "parent", id_.display_id):
        raise referred_to(id_, held, "engagements")
    if held := await meetings.holding(ctx.tx, ctx.org, "parent", id_.display_id):
        raise referred_to(id_, held, "meetings")
    sold = works.of_org(ctx.org)
    sold.among("account", [id_.number])
    if held := await query.count(ctx.tx, sold):
        raise referred_to(id_, held, "opportunities")
    own = await rev_orgs.numbers_of(ctx.tx, ctx.org, id_.number)
    workspaces = [ids.REV_ORG.display_id(number) for number in own]
    await detach(ctx, id_.display_id, *workspaces)
    await disband(ctx, workspaces)
    gone = await shown(ctx.tx, ctx.org, [*workspaces, id_.display_id])
    await tell_deleted(ctx, *gone.values())
    await rev_orgs.delete(ctx.tx, ctx.org, own)
    await store.delete(ctx.tx, ctx.org, id_.number)
    await terms.remove(ctx.tx, ctx.org, [*gone])
    return contract.AccountsDeleteResponse()


upserts(ids.ACCOUNT, contract.UPSERT, contract.CREATE, contract.UPDATE)


@shows(ids.ACCOUNT)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.Account]:
    """Accounts by display id."""
    rows = await query.numbered(tx, store.of_org(org), numbers_)
    return {account.display_id: account for account in await _accounts(tx, rows)}


async def _accounts(tx: Tx, rows: Sequence[Any]) -> list[contract.Account]:
    documents = [msgspec.json.decode(row.document, type=Document) for row in rows]
    pairs = list(zip(rows, documents, strict=True))
    people = await authors(
        tx, rows, [(row.org, owner) for row, document in pairs for owner in document.owned_by]
    )
    org = rows[0].org if rows else ""
    tags = await summaries.tags(
        tx, org, [tag for document in documents for tag, _ in document.tags]
    )
    artifacts = await find_artifacts(tx, org, [document.artifacts for document in documents])
    return [
        contract.Account(
            **atom(ids.ACCOUNT, row, people),
            artifacts=or_unset(artifact_summaries(artifacts, document.artifacts)),
            custom_fields=or_unset(document.custom_fields),
            custom_schema_fragments=or_unset(document.schema_fragment_ids),
            description=or_unset(document.description),
            display_name=row.display_name,
            domains=or_unset(document.domains),
            external_refs=or_unset(document.external_refs),
            owned_by=[
                people[row.org, owner] for owner in document.owned_by if (row.org, owner) in people
            ],
            subtype=or_unset(document.subtype),
            tags=or_unset(tags_with_values(tags, document.tags)),
            tier=or_unset(row.tier),
            websites=or_unset(document.websites),
        )
        for row, document in pairs
    ]

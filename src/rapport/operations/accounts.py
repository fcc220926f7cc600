"""Accounts: make, find."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.contract import accounts as contract
from rapport.contract import ids
from rapport.contract.errors import Conflict, NotFound, raise_all
from rapport.operations.atoms import atom, authors, or_unset, tags_with_values, value_of
from rapport.operations.context import Context, handles
from rapport.operations.listing import add_audit, given, own_ids, read_walk
from rapport.operations.references import References, wanted
from rapport.store import accounts as store
from rapport.store import numbers, summaries, terms
from rapport.store.db import Tx, UniqueViolation
from rapport.store.references import resolve


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What an account's row keeps beside its columns; users and tags are display ids."""

    custom_fields: dict[str, Any] | None = None
    description: str | None = None
    domains: list[str] = []
    external_refs: list[str] = []
    owned_by: list[str] = []
    schema_fragment_ids: list[str] = []
    tags: list[tuple[str, str | None]] = []
    websites: list[str] = []


@handles(contract.CREATE)
async def create(ctx: Context, request: contract.AccountsCreateRequest) -> contract.AccountsCreateResponse:
    """Make an account, and the rev org that its people belong to unless they say otherwise."""
    everything = [*given(request.owned_by), *(tag.id for tag in given(request.tags))]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    document = Document(
        custom_fields=value_of(request.custom_fields),
        description=value_of(request.description),
        domains=list(given(request.domains)),
        external_refs=list(dict.fromkeys(given(request.external_refs))),
        owned_by=references.many("owned_by", request.owned_by),
        schema_fragment_ids=list(given(request.schema_fragment_ids)),
        tags=references.tags("tags", request.tags),
        websites=list(given(request.websites)),
    )
    raise_all(references.problems)
    row, rev_org = await add(
        ctx.tx, org=ctx.org, display_name=request.display_name, tier=value_of(request.tier), document=document,
        by=ctx.caller.user_id, now=ctx.now,
    )  # fmt: skip
    people = await authors(ctx.tx, [row])
    account = (await _accounts(ctx.tx, [row]))[0]
    default = contract.RevOrg(
        **atom(ids.REV_ORG, rev_org, people),
        account=contract.AccountSummary(display_id=account.display_id, id=account.id, display_name=row.display_name),
        display_name=rev_org.display_name,
    )
    return contract.AccountsCreateResponse(account=account, default_rev_org=default)


async def add(
    tx: Tx, *, org: str, display_name: str, tier: str | None, document: Document, by: str, now: int,
    number: int | None = None,
) -> tuple[store.AccountRow, store.RevOrgRow]:  # fmt: skip
    """Add an account and its default rev org.

    Raises:
        Conflict: one of its external_refs is in use.
    """
    row = store.AccountRow(
        org=org, number=await numbers.take_one(tx, ids.ACCOUNT, org) if number is None else number,
        display_name=display_name, tier=tier, created_by=by, created_date=now, modified_by=by, modified_date=now,
        document=msgspec.json.encode(document).decode(),
    )  # fmt: skip
    await store.insert(tx, row)
    fields = {
        "accounts.domains": document.domains,
        "accounts.external_refs": document.external_refs,
        "accounts.owned_by": document.owned_by,
        "accounts.tags": [tag for tag, _ in document.tags],
        "accounts.websites": document.websites,
    }
    try:
        await terms.put(tx, org, f"ACC-{row.number}", fields)
    except UniqueViolation as error:
        raise Conflict(
            "external_refs: one of them is in use by another account.",
            detail="Update that account, or use other external_refs.",
        ) from error
    rev_org = store.RevOrgRow(
        org=org, number=await numbers.take_one(tx, ids.REV_ORG, org), account=row.number, is_default=1,
        display_name=display_name, external_ref=None, created_by=by, created_date=now, modified_by=by,
        modified_date=now, document="{}",
    )  # fmt: skip
    await store.insert_rev_org(tx, rev_org)
    return row, rev_org


@handles(contract.GET)
async def get(ctx: Context, request: contract.AccountsGetRequest) -> contract.AccountsGetResponse:
    """Find an account."""
    row = await store.get(ctx.tx, ctx.org, request.id.number) if request.id.belongs_to(ctx.org) else None
    if row is None:
        raise NotFound(f"There is no account {request.id.text[:80]!r}.", detail="It never was, or it was deleted.")
    return contract.AccountsGetResponse(account=(await _accounts(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.AccountsListRequest) -> contract.AccountsListResponse:
    """A page of accounts."""
    walk = read_walk("accounts", request, store.SORTS)
    where = store.of_org(ctx.org)
    where.any_of("display_names", given(request.display_name), "a.display_name IN ({values})")
    where.any_of("tiers", given(request.tier), "a.tier IN ({values})")
    store.having_any(where, "domains", given(request.domains))
    store.having_any(where, "external_refs", given(request.external_refs))
    store.having_any(where, "websites", given(request.websites))
    store.having_any(where, "owned_by", own_ids(ctx.org, request.owned_by))
    store.having_any(where, "tags", own_ids(ctx.org, request.tags))
    add_audit(where, "a", ctx.org, request)
    page = await store.listed(ctx.tx, where, walk.sorts, **walk.arguments())
    return contract.AccountsListResponse(accounts=await _accounts(ctx.tx, page.rows), **walk.cursors(page))


async def _accounts(tx: Tx, rows: Sequence[Any]) -> list[contract.Account]:
    documents = [msgspec.json.decode(row.document, type=Document) for row in rows]
    pairs = list(zip(rows, documents, strict=True))
    people = await authors(tx, rows, [(row.org, owner) for row, document in pairs for owner in document.owned_by])
    org = rows[0].org if rows else ""
    tags = await summaries.tags(tx, org, [tag for document in documents for tag, _ in document.tags])
    return [
        contract.Account(
            **atom(ids.ACCOUNT, row, people),
            custom_fields=or_unset(document.custom_fields),
            description=or_unset(document.description),
            display_name=row.display_name,
            domains=or_unset(document.domains),
            external_refs=or_unset(document.external_refs),
            owned_by=[people[row.org, owner] for owner in document.owned_by if (row.org, owner) in people],
            tags=or_unset(tags_with_values(tags, document.tags)),
            tier=or_unset(row.tier),
            websites=or_unset(document.websites),
        )
        for row, document in pairs
    ]



"""Tokens: make, find, say what for, revoke. Members see their own, admins everybody's."""

import secrets
from collections.abc import Sequence
from functools import partial

from rapport.auth import scopes, tokens
from rapport.auth.caller import Caller, may_grant
from rapport.clock import DAY, SECOND, format_rfc3339
from rapport.contract import auth_tokens as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError, Forbidden, NotFound, Unauthenticated, raise_all
from rapport.contract.kit.fields import UNSET, UnsetType
from rapport.operations.kit.atoms import atom, authors
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import find
from rapport.operations.kit.optional import chosen, or_unset
from rapport.operations.kit.refusals import not_permitted, quoted, unknown_id
from rapport.store import auth_tokens as store
from rapport.store import summaries
from rapport.store import users as user_store
from rapport.store.kit import numbers
from rapport.store.kit.db import Tx

_MINUTE = 60 * SECOND
_ISSUER = "rapport"
_TYPES: dict[str, tuple[contract.TokenType, ...]] = {
    ids.DEV_USER.name: (contract.PERSONAL, contract.PERSONAL_ACT_AS),
    ids.SERVICE_ACCOUNT.name: (contract.APPLICATION, contract.APPLICATION_ACT_AS),
}


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.AuthTokensCreateRequest
) -> contract.AuthTokensCreateResponse:
    """Make a token. It grants no more than the one it is asked for with (behaviour: Tokens and
    rights).
    """
    await _check_maker(ctx)
    holder = await _holder(ctx, request.act_as)
    expires, problems = _end_of_life(request, ctx.now)
    problems = [*_no_such_holder(request, holder), *problems, *_unsupported(request, holder)]
    raise_all(sorted(problems, key=lambda problem: _FIELDS.index(problem.field_name)))
    scope = _scope(ctx.caller, request.scope)
    assert holder is not None  # noqa: S101  # else there was a problem
    row, secret = await add(
        ctx.tx,
        org=ctx.org,
        user_id=holder,
        by=ctx.caller.user_id,
        now=ctx.now,
        expires=expires,
        scope=scope,
        name=request.token_hint or "",
        token_type=chosen(request.requested_token_type, None),
        client_id=chosen(request.client_id, None),
    )
    return contract.AuthTokensCreateResponse(
        access_token=secret,
        client_id=or_unset(row.client_id),
        expires_in=(expires - ctx.now) // SECOND,
        scope=scope or UNSET,
        token_id=ids.don(ids.AUTH_TOKEN, ctx.org, row.number),
        token_type="bearer",  # noqa: S106  # the word, not a token
    )


_FIELDS = contract.AuthTokensCreateRequest.__struct_fields__


async def add(
    tx: Tx,
    *,
    org: str,
    user_id: str,
    by: str,
    now: int,
    expires: int,
    scope: str = "",
    name: str = "",
    token_type: str | None = None,
    client_id: str | None = None,
) -> tuple[store.TokenRow, str]:
    """Add a token of a dev user or a service account; the row and the secret, which is kept
    nowhere.

    Without `token_type` it is the first one of the user's kind; an application's token without
    `client_id` gets one.
    """
    kind = ids.kind_of(user_id)
    if kind == ids.SERVICE_ACCOUNT:
        client_id = client_id or f"client_{secrets.token_hex(12)}"
    secret = tokens.make()
    row = store.TokenRow(
        org=org,
        number=await numbers.take_one(tx, ids.AUTH_TOKEN, org),
        user_id=user_id,
        scope=scope,
        name=name,
        token_type=token_type or _TYPES[kind.name][0],
        client_id=client_id,
        created_by=by,
        created_date=now,
        modified_by=by,
        modified_date=now,
        expires_date=expires,
        revoked_date=None,
    )
    await store.insert(tx, row, tokens.hash_of(secret))
    return row, secret


async def _check_maker(ctx: Context) -> None:
    """Refuse a token that was revoked while this write waited for its turn: it must leave no
    other behind.
    """
    if ctx.caller.token is not None:
        maker = await store.get(ctx.tx, ctx.org, ctx.caller.token, hold=True)
        if maker is None or maker.revoked_date is not None:
            raise Unauthenticated("The token was revoked.", detail="revoked: ask for a new token")


async def _holder(ctx: Context, act_as: ids.TokenHolderId | UnsetType) -> str | None:
    """Whose token it is to be; None where there is no such user.

    Raises:
        Forbidden: it is another's, and the caller is no admin.
    """
    if isinstance(act_as, UnsetType) or (
        act_as.display_id == ctx.caller.user_id and act_as.belongs_to(ctx.org)
    ):
        return ctx.caller.user_id
    if ctx.caller.role != "admin":
        raise Forbidden(
            f"act_as: the role {ctx.caller.role} may not make tokens for others.",
            detail="Leave act_as out for a token of your own, or ask an admin of your org.",
        )
    user = await find(ctx, act_as, user_store.get)
    return None if user is None else user.display_id


def _no_such_holder(
    request: contract.AuthTokensCreateRequest, holder: str | None
) -> list[ApiError]:
    if holder is not None or isinstance(request.act_as, UnsetType):
        return []
    return [unknown_id("act_as", request.act_as)]


def _end_of_life(request: contract.AuthTokensCreateRequest, now: int) -> tuple[int, list[ApiError]]:
    """When the token ends, from the one field that says so."""
    names = [
        name
        for name in ("expires_at", "expires_in", "expires_in_mins")
        if getattr(request, name) is not UNSET
    ]
    problems: list[ApiError] = [
        not_permitted(
            name, f"must not stand beside {names[0]}", "Say once how long the token lives."
        )
        for name in names[1:]
    ]
    longest = now + tokens.LIFE_DAYS * DAY
    if not isinstance(request.expires_at, UnsetType):
        if not now < request.expires_at <= longest:
            rule = f"must be in the future, within {tokens.LIFE_DAYS} days"
            problems.append(
                not_permitted("expires_at", rule, "Give a time until which the token is needed.")
            )
        return int(request.expires_at), problems
    if not isinstance(request.expires_in, UnsetType):
        return now + request.expires_in * DAY, problems
    if not isinstance(request.expires_in_mins, UnsetType):
        return now + request.expires_in_mins * _MINUTE, problems
    return longest, problems


def _unsupported(request: contract.AuthTokensCreateRequest, holder: str | None) -> list[ApiError]:
    """What DevRev's tokens have and these have not, and what does not fit the holder."""
    problems: list[ApiError] = []
    if request.aud:
        problems.append(not_permitted("aud", "tokens here have no audience", "Leave it out."))
    if request.grant_type not in {UNSET, contract.ISSUE}:
        why = "tokens here come from no other token"
        problems.append(
            not_permitted("grant_type", why, "Leave it out.", allowed_values=[contract.ISSUE])
        )
    allowed = _TYPES.get(ids.kind_of(holder).name, ()) if holder else ()
    if holder and request.requested_token_type not in {UNSET, *allowed}:
        why = f"{holder} can have a token of its own kind only"
        detail = "Use one of allowed_values, or name in act_as the user that the token is for."
        problems.append(
            not_permitted("requested_token_type", why, detail, allowed_values=list(allowed))
        )
    elif (
        request.requested_token_type in {contract.PERSONAL_ACT_AS, contract.APPLICATION_ACT_AS}
        and not request.act_as
    ):
        problems.append(
            not_permitted(
                "requested_token_type", "needs act_as", "Name in act_as whom the token acts as."
            )
        )
    for name in ("rev_info", "subject_token", "subject_token_type"):
        if getattr(request, name) is not UNSET:
            why = "tokens here come from no other token, and are for dev users and service accounts"
            problems.append(not_permitted(name, why, "Leave it out."))
    if request.scope and (unknown := scopes.unknown(request.scope)):
        detail = "Use some of allowed_values, separated by spaces."
        known = list(scopes.ALL_SCOPES)
        problems.append(
            not_permitted(
                "scope", f"has no scope {quoted(unknown[0])}", detail, allowed_values=known
            )
        )
    return problems


def _scope(caller: Caller, requested: str | UnsetType) -> str:
    """The new token's scopes: those asked for, else the maker's.

    Raises:
        Forbidden: the maker's token does not grant one of them.
    """
    if isinstance(requested, UnsetType):
        return caller.scope
    for word in scopes.words(requested):
        if not may_grant(caller, word):
            raise Forbidden(
                f"scope: the token lacks the scope {word}, so it can't grant it.",
                detail=f"Its scope is: {caller.scope}. Ask for less, or use a token with {word}.",
            )
    return " ".join(scopes.words(requested))


@handles(contract.GET)
async def get(
    ctx: Context, request: contract.AuthTokensGetRequest
) -> contract.AuthTokensGetResponse:
    """Find a token."""
    row = await _visible(ctx, request.token_id)
    return contract.AuthTokensGetResponse(token=(await _answers(ctx, [row]))[0])


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.AuthTokensListRequest
) -> contract.AuthTokensListResponse:
    """A user's tokens."""
    subject = ctx.caller.user_id
    if not isinstance(request.subject, UnsetType):
        mine = request.subject.belongs_to(ctx.org) and request.subject.display_id == subject
        if not mine and (ctx.caller.role != "admin" or not request.subject.belongs_to(ctx.org)):
            return contract.AuthTokensListResponse(tokens=[])
        subject = request.subject.display_id
    rows = await store.listed(
        ctx.tx,
        ctx.org,
        user_id=subject,
        token_type=chosen(request.requested_token_type, None),
        client_id=chosen(request.client_id, None),
    )
    return contract.AuthTokensListResponse(tokens=await _answers(ctx, rows))


@handles(contract.INFO)
async def info(
    ctx: Context, _request: contract.AuthTokensInfoRequest
) -> contract.AuthTokensInfoResponse:
    """The token in use, its user and its org."""
    row = await _in_use(ctx)
    user = (await summaries.users(ctx.tx, [(ctx.org, row.user_id)]))[ctx.org, row.user_id]
    return contract.AuthTokensInfoResponse(
        organization=contract.OrgAttributes(
            display_id=ids.org_display_id(ctx.org), id=ids.org_don(ctx.org)
        ),
        token=contract.TokenAttributes(
            expiry=row.expires_date // SECOND,
            issued_at=row.created_date // SECOND,
            issuer=_ISSUER,
            subject=user.id,
        ),
        user=contract.UserAttributes(
            type=ids.kind_of(row.user_id).name,  # type: ignore[arg-type]  # the four kinds of users
            display_id=user.display_id,
            display_name=user.display_name,
            email=user.email,
            full_name=user.full_name,
            id=user.id,
        ),
    )


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.AuthTokensUpdateRequest
) -> contract.AuthTokensUpdateResponse:
    """Say what a token is for."""
    row = await _visible(ctx, request.token_id, hold=True)
    if row.name != request.token_hint:
        by = ctx.caller.user_id
        await store.rename(ctx.tx, ctx.org, row.number, name=request.token_hint, by=by, now=ctx.now)
        row = await _visible(ctx, request.token_id)
    return contract.AuthTokensUpdateResponse(token=(await _answers(ctx, [row]))[0])


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.AuthTokensDeleteRequest
) -> contract.AuthTokensDeleteResponse:
    """Revoke a token."""
    token_id = request.token_id
    row = await _in_use(ctx) if isinstance(token_id, UnsetType) else await _visible(ctx, token_id)
    if not await store.revoke(ctx.tx, ctx.org, row.number, by=ctx.caller.user_id, now=ctx.now):
        raise NotFound(
            f"{ids.AUTH_TOKEN.display_id(row.number)} is revoked already.",
            detail="Nothing is left to do.",
        )
    return contract.AuthTokensDeleteResponse()


@handles(contract.SELF_DELETE)
async def self_delete(
    ctx: Context, request: contract.AuthTokensSelfDeleteRequest
) -> contract.AuthTokensSelfDeleteResponse:
    """Revoke the token in use, or all of the caller's of one type."""
    user = ctx.caller.user_id
    if isinstance(request.requested_token_type, UnsetType):
        await store.revoke(ctx.tx, ctx.org, (await _in_use(ctx)).number, by=user, now=ctx.now)
    else:
        await store.revoke_type(ctx.tx, ctx.org, user, request.requested_token_type, now=ctx.now)
    return contract.AuthTokensSelfDeleteResponse()


async def _in_use(ctx: Context) -> store.TokenRow:
    """The caller's token.

    Raises:
        NotFound: the command line calls, without one.
    """
    row = None if ctx.caller.token is None else await store.get(ctx.tx, ctx.org, ctx.caller.token)
    if row is None:
        raise NotFound("No token is in use.", detail="Name one in token_id, or call with a token.")
    return row


async def _visible(
    ctx: Context, token_id: ids.AuthTokenId, *, hold: bool = False
) -> store.TokenRow:
    """A token that the caller may manage.

    Raises:
        NotFound: there is none, or it is another's and the caller is no admin.
    """
    row = await find(ctx, token_id, partial(store.get, hold=hold))
    if row is None or (row.user_id != ctx.caller.user_id and ctx.caller.role != "admin"):
        raise NotFound(
            f"There is no token {quoted(token_id.text)}.",
            detail="It never was, or it is not yours.",
        )
    return row


async def _answers(ctx: Context, rows: Sequence[store.TokenRow]) -> list[contract.AuthToken]:
    people = await authors(ctx.tx, rows)
    return [
        contract.AuthToken(
            **atom(ids.AUTH_TOKEN, row, people),
            client_id=or_unset(row.client_id),
            expires_at=format_rfc3339(row.expires_date),
            issued_at=format_rfc3339(row.created_date),
            requested_token_type=row.token_type,  # type: ignore[arg-type]  # what create put in
            scopes=or_unset(row.scope.split()),
            status=_status(row, ctx.now),
            subject=ids.don_of(row.user_id, row.org),
            token_hint=row.name or UNSET,
        )
        for row in rows
    ]


def _status(row: store.TokenRow, now: int) -> contract.TokenStatus:
    if row.revoked_date is not None:
        return "revoked"
    return "expired" if row.expires_date <= now else "active"

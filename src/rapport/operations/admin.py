"""What the operator does from the command line: orgs, users, tokens. Each is one write or one
read of its own.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from rapport.auth import scopes, sessions, tokens
from rapport.auth.caller import Caller
from rapport.blobs import Blobs
from rapport.clock import DAY, Clock, format_rfc3339
from rapport.contract.kit import ids
from rapport.contract.kit.fields import Json
from rapport.operations import auth_tokens, dev_orgs, dev_users
from rapport.operations.kit.changes import SYSTEM
from rapport.operations.kit.context import Context
from rapport.store import artifacts, indexing
from rapport.store import auth_tokens as token_store
from rapport.store import dev_orgs as orgs
from rapport.store import users as user_store
from rapport.store.indexing import Change
from rapport.store.kit import numbers, query
from rapport.store.kit.db import Store, Tx, alone, look

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ORG_LENGTH = 10
_SECONDS = 10.0


# Held by whoever looks whether a store is empty in order to fill it.
FIRST_ORG = "first org"


class AdminError(Exception):
    """A command can't be done; the text says why."""


class Admin:
    """The operator's commands on a store, whose artifacts' bytes are in `blobs`."""

    def __init__(self, store: Store, blobs: Blobs, clock: Clock) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock

    async def orgs_create(self, *, name: str, email: str) -> Json:
        """Make an org with its first admin and a token for them."""

        async def work(tx: Tx) -> Json:
            return await make_org(tx, self._clock(), name=name, email=email)

        return await alone(self._store, work, seconds=_SECONDS)

    async def init(self, *, org: str, email: str) -> Json:
        """Make a store's first org."""
        made = await self.first_org(name=org, email=email)
        if made is None:
            raise AdminError("the store is in use already: rapport orgs create makes another org")
        return made

    async def first_org(self, *, name: str, email: str) -> Json | None:
        """Make a store's first org; None when there is one. Of several who try at once, one
        does.
        """

        async def work(tx: Tx) -> Json | None:
            await tx.hold([FIRST_ORG])
            return (
                None
                if await orgs.all_orgs(tx)
                else await make_org(tx, self._clock(), name=name, email=email)
            )

        return await alone(self._store, work, seconds=_SECONDS)

    async def is_empty(self) -> bool:
        """True when the store has no org yet."""
        return not await look(self._store, orgs.all_orgs, seconds=_SECONDS)

    async def holder(self) -> str:
        """Whom `rapport tokens create` could make a token for, in its own words."""

        async def work(tx: Tx) -> str:
            known = await orgs.all_orgs(tx)
            admin = await user_store.first_admin(tx, known[0][0]) if len(known) == 1 else None
            return (
                f"--user {admin.email or admin.display_id}" if admin else "--user EMAIL --org ORG"
            )

        return await look(self._store, work, seconds=_SECONDS)

    async def orgs_rename(self, *, org: str, name: str) -> Json:
        """Give an org another name."""

        async def work(tx: Tx) -> Json:
            own = await _meant_org(tx, org)
            row = await orgs.lock_name(tx, own)
            if row is not None:
                ctx = Context(Caller(own, SYSTEM, "admin"), self._clock(), tx)
                await dev_orgs.rename(ctx, row, name)
            return {"org": _org_answer(own, name)}

        return await alone(self._store, work, seconds=_SECONDS)

    async def orgs_delete(self, *, org: str, name: str | None = None) -> Json:
        """Remove an org with all that it has, for good.

        Args:
            org: by id or name.
            name: what it is called; None where nobody is asked.
        """

        async def shut(tx: Tx) -> Json:
            own = _meant([(row[0], row[1]) for row in await orgs.all_orgs(tx)], org)
            row = await orgs.lock(tx, own)
            if row is None:
                raise AdminError(f"{ids.org_display_id(own)} was deleted just now")
            answer = _org_answer(own, row.name)
            if name is not None and name != row.name:
                raise AdminError(
                    f"{answer['display_id']} is not called {name!r}: nothing was deleted"
                )
            await orgs.shut(tx, own, self._clock())
            return answer

        gone = await alone(self._store, shut, seconds=_SECONDS)
        try:
            await dev_orgs.clear(
                self._store, self._blobs, self._clock, ids.org_of(gone["display_id"])
            )
        except OSError as error:
            raise AdminError(
                f"{gone['display_id']} is deleted, but for files that can't be removed now "
                f"({error}): the server tries again"
            ) from None
        return {"org": gone, "deleted": True}

    async def orgs_list(self) -> Json:
        """Every org, with what its artifacts' bytes come to."""

        async def work(tx: Tx) -> Json:
            sizes = await artifacts.storage_bytes(tx)
            return {
                "orgs": [
                    {**_org_answer(org, name), "storage_bytes": sizes.get(org, 0)}
                    for org, name in await orgs.all_orgs(tx)
                ]
            }

        return await look(self._store, work, seconds=_SECONDS)

    async def users_list(self, *, org: str | None = None) -> Json:
        """Every dev user of an org."""

        async def work(tx: Tx) -> Json:
            where = user_store.of_kind(await _meant_org(tx, org), ids.DEV_USER.name)
            return {"users": [_user_answer(row) for row in await query.everything(tx, where)]}

        return await look(self._store, work, seconds=_SECONDS)

    async def users_create(
        self, *, email: str, name: str | None = None, role: str = "member", org: str | None = None
    ) -> Json:
        """Make an active dev user, with a token."""

        async def work(tx: Tx) -> Json:
            own = await _meant_org(tx, org)
            user = await dev_users.add(
                tx,
                org=own,
                email=email,
                full_name=name,
                display_name=None,
                state="active",
                role=role,
                by=SYSTEM,
                now=self._clock(),
            )
            return {
                "user": _user_answer(user),
                "token": await _first_token(tx, self._clock(), user),
            }

        return await alone(self._store, work, seconds=_SECONDS)

    async def users_role(self, *, user: str, role: str, org: str | None = None) -> Json:
        """Give a dev user another role."""
        return await self._set_user(user, org, role=role)

    async def users_deactivate(self, *, user: str, org: str | None = None) -> Json:
        """Keep a dev user out; their tokens are refused from now on."""
        return await self._set_user(user, org, state="deactivated")

    async def users_activate(self, *, user: str, org: str | None = None) -> Json:
        """Let a dev user in; the tokens that they had work again."""
        return await self._set_user(user, org, state="active")

    async def users_email(self, *, user: str, email: str, org: str | None = None) -> Json:
        """Give a dev user another email."""
        return await self._set_user(user, org, email=email)

    async def _set_user(self, user: str, org: str | None, **changes: Any) -> Json:
        async def work(tx: Tx) -> Json:
            own = await _meant_org(tx, org)
            found = await _holder(tx, own, user)
            row = await user_store.lock(tx, own, found.display_id) or found
            ctx = Context(Caller(own, SYSTEM, "admin"), self._clock(), tx)
            if "email" in changes and row.kind != ids.DEV_USER.name:
                raise AdminError(f"{row.display_id} is no dev user, and has no email")
            changed = await dev_users.alter(ctx, row, row._replace(**changes), "user")
            return {"user": _user_answer(changed)}

        return await alone(self._store, work, seconds=_SECONDS)

    async def tokens_create(
        self,
        *,
        user: str,
        name: str = "token",
        scope: str = "",
        days: int = tokens.LIFE_DAYS,
        org: str | None = None,
    ) -> Json:
        """Make a token for a dev user or a service account; it is shown this once."""
        if unknown := scopes.unknown(scope):
            families = ", ".join(scopes.FAMILIES)
            raise AdminError(
                f"{unknown[0]!r} is no scope: write <family>:read, :write or :all, or read, write "
                "or all alone, and import beside them; "
                f"the families are {families}"
            )

        async def work(tx: Tx) -> Json:
            own = await _meant_org(tx, org)
            holder = await _holder(tx, own, user)
            now = self._clock()
            row, secret = await auth_tokens.add(
                tx,
                org=own,
                user_id=holder.display_id,
                by=SYSTEM,
                now=now,
                expires=now + days * DAY,
                scope=" ".join(scopes.words(scope)),
                name=name,
            )
            return {**_token_id(row), "token": secret}

        return await alone(self._store, work, seconds=_SECONDS)

    async def tokens_list(self, *, user: str | None = None, org: str | None = None) -> Json:
        """The tokens of an org or a user, without their secrets."""

        async def work(tx: Tx) -> Json:
            own = await _meant_org(tx, org)
            holder = None if user is None else (await _holder(tx, own, user)).display_id
            rows = await token_store.listed(tx, own, user_id=holder)
            return {"tokens": [_token_answer(row) for row in reversed(rows)]}

        return await look(self._store, work, seconds=_SECONDS)

    async def tokens_revoke(self, *, token: str, org: str | None = None) -> Json:
        """Revoke a token by its id; it is refused from now on."""

        async def work(tx: Tx) -> Json:
            own = await _meant_org(tx, org)
            try:
                id_ = ids.AuthTokenId.parse(token)
            except ValueError:
                raise AdminError(f"{token!r} is not a token's id, such as TOKEN-1") from None
            if not id_.belongs_to(own) or not await token_store.revoke(
                tx, own, id_.number, by=SYSTEM, now=self._clock()
            ):
                raise AdminError(f"there is no live token {token}")
            return {"display_id": id_.display_id, "revoked": True}

        return await alone(self._store, work, seconds=_SECONDS)

    async def login(self, *, user: str | None = None, org: str | None = None) -> Json:
        """Make a link into the console for a dev user, else for the org's oldest admin; of the link
        only its secret is here, for who asks knows the server's address.
        """

        async def work(tx: Tx) -> Json:
            own = await _meant_org(tx, org)
            row = (
                await user_store.first_admin(tx, own)
                if user is None
                else await _named(tx, own, user)
            )
            if row is None or row.kind != ids.DEV_USER.name:
                raise AdminError(
                    f"there is no dev user {user!r}" if user else "the org has no active admin"
                )
            if row.state != "active":
                raise AdminError(f"{row.display_id} is {row.state}: rapport users activate lets in")
            secret = await sessions.invite(tx, own, row.display_id, self._clock())
            return {"user": _user_answer(row), "secret": secret}

        return await alone(self._store, work, seconds=_SECONDS)

    async def caller(self, *, user: str | None = None, org: str | None = None) -> Caller:
        """Who `rapport call` acts as: the user named, or the org's oldest admin."""

        async def work(tx: Tx) -> Caller:
            return await acting(tx, user, org)

        return await look(self._store, work, seconds=_SECONDS)


async def acting(tx: Tx, user: str | None, org: str | None) -> Caller:
    """Who a command acts as that calls methods: the user named, or the org's oldest admin.

    Raises:
        AdminError: it is not clear who that is.
    """
    own = await _meant_org(tx, org)
    row = await (user_store.first_admin(tx, own) if user is None else _holder(tx, own, user))
    if row is None:
        raise AdminError("the org has no active admin: name a user with --user")
    return Caller(own, row.display_id, row.role or "member", is_operator=True)


async def _meant_org(tx: Tx, wanted: str | None) -> str:
    """The org that a command means, held against deletion: the one named by id or name, or the
    only one.
    """
    known: list[tuple[str, str]] = [(row[0], row[1]) for row in await orgs.all_orgs(tx)]
    org = _only(known) if wanted is None else _meant(known, wanted)
    if not await orgs.hold(tx, [org]):
        raise AdminError(f"{ids.org_display_id(org)} was deleted just now")
    return org


async def _holder(tx: Tx, org: str, wanted: str) -> user_store.UserRow:
    """The dev user or service account that a command means, by id or email."""
    user = await _named(tx, org, wanted)
    if user is None:
        raise AdminError(f"there is no dev user or service account {wanted!r}")
    return user


async def make_org(
    tx: Tx, now: int, *, name: str, email: str, org: str | None = None, number: int | None = None
) -> Json:
    """Make an org with its sys user, its first admin and a token for them.

    Args:
        tx: to write in.
        now: microseconds since 1970.
        name: of the org.
        email: of the admin.
        org: its 10 characters; made by chance without them.
        number: of the admin; 1 without it.
    """
    org = org or "".join(secrets.choice(_BASE32) for _ in range(_ORG_LENGTH))
    await orgs.insert(tx, org, name, now)
    await user_store.insert(tx, _system_user(org, now))
    await numbers.reserve(tx, ids.SYS_USER, org, 1)
    await indexing.note(tx, [Change(org, SYSTEM)])
    if number is not None:
        await numbers.reserve(tx, ids.DEV_USER, org, number)
    user = await dev_users.add(
        tx,
        org=org,
        email=email,
        full_name=None,
        display_name=None,
        state="active",
        role="admin",
        by=None,
        now=now,
        number=number,
    )
    token = await _first_token(tx, now, user)
    return {
        "org": _org_answer(org, name),
        "user": {
            "id": ids.don_of(user.display_id, org),
            "display_id": user.display_id,
            "email": email,
        },
        "token": token,
    }


def _only(known: Sequence[tuple[str, str]]) -> str:
    """The org that is meant where none is named, of those (org, name) that there are."""
    if len(known) == 1:
        return known[0][0]
    raise AdminError(
        "there are several orgs: name one with --org"
        if known
        else "there is no org yet: run rapport init"
    )


def _meant(known: Sequence[tuple[str, str]], wanted: str) -> str:
    """The org that is named by id or name, of those (org, name) that there are."""
    plain = ids.org_of(wanted)
    found = [org for org, _ in known if org == plain] or [
        org for org, name in known if name == wanted
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise AdminError(f"there is no org {wanted!r}")
    which = ", ".join(ids.org_display_id(org) for org in found)
    raise AdminError(f"{len(found)} orgs are called {wanted!r}: name one by its id, of {which}")


def _org_answer(org: str, name: str) -> Json:
    return {"id": ids.org_don(org), "display_id": ids.org_display_id(org), "name": name}


async def _named(tx: Tx, org: str, wanted: str) -> user_store.UserRow | None:
    """The user with this id, or the dev user with this email."""
    try:
        id_ = ids.TokenHolderId.parse(wanted)
    except ValueError:
        return await user_store.by_email(tx, org, wanted)
    return await user_store.get(tx, org, id_.display_id) if id_.belongs_to(org) else None


async def _first_token(tx: Tx, now: int, user: user_store.UserRow) -> str:
    _, secret = await auth_tokens.add(
        tx,
        org=user.org,
        user_id=user.display_id,
        by=user.display_id,
        now=now,
        expires=now + tokens.LIFE_DAYS * DAY,
        name="first token",
    )
    return secret


def _system_user(org: str, now: int) -> user_store.UserRow:
    """The org's sys user, in whose name the command line works."""
    return user_store.UserRow(
        org=org,
        display_id=SYSTEM,
        kind=ids.SYS_USER.name,
        number=1,
        display_name="Rapport",
        full_name=None,
        email=None,
        state="active",
        role=None,
        external_ref=None,
        rev_org=None,
        created_by=SYSTEM,
        created_date=now,
        modified_by=SYSTEM,
        modified_date=now,
        document="{}",
    )


def _user_answer(row: user_store.UserRow) -> Json:
    return {
        "id": ids.don_of(row.display_id, row.org),
        "display_id": row.display_id,
        "email": row.email,
        "full_name": row.full_name,
        "role": row.role,
        "state": row.state,
    }


def _token_id(row: token_store.TokenRow) -> Json:
    return {
        "id": ids.don(ids.AUTH_TOKEN, row.org, row.number),
        "display_id": ids.AUTH_TOKEN.display_id(row.number),
    }


def _token_answer(row: token_store.TokenRow) -> Json:
    return {
        **_token_id(row),
        "user": row.user_id,
        "name": row.name,
        "scope": row.scope,
        "created_date": format_rfc3339(row.created_date),
        "expires_at": format_rfc3339(row.expires_date),
        "revoked": row.revoked_date is not None,
    }

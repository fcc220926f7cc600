"""Who is signed in to the console: a secret in a cookie, of which the store has the hash.

A session has the rights of its user's role, or those of the token that it was opened with, and ends
with either: each page asks anew.
"""

import hashlib
import secrets
from typing import NamedTuple

from rapport.auth.caller import Caller, authenticate
from rapport.clock import DAY, SECOND, Clock
from rapport.store import sessions as store
from rapport.store.kit.db import Store, Tx, alone, look
from rapport.store.sessions import Invited, SessionRow

IDLE = 14 * DAY
LIFE = 90 * DAY
LINK_LIFE = 600 * SECOND
# A session's last use is written at most this often.
_TOUCH_EVERY = 3600 * SECOND


class SignedIn(NamedTuple):
    """Somebody with a session, whose secret stays with it."""

    caller: Caller
    secret: str


class Sessions:
    """The sessions of a store.

    Args:
        store: where they are.
        clock: the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of(self, secret: str) -> SignedIn | None:
        """Who has this secret; None where nobody does any more."""
        own = hash_of(secret)
        now = self._clock()
        found = await look(self._store, lambda tx: store.find(tx, own))
        if found is None or found.state != "active" or _is_over(found, now):
            return None
        if found.seen_date < now - _TOUCH_EVERY:
            await alone(self._store, lambda tx: store.touch(tx, own, now))
        caller = Caller(
            found.org, found.user_id, found.role or "member", found.scope or "", found.token
        )
        return SignedIn(caller, secret)

    async def open_with_token(self, token: str) -> str:
        """Open a session with a token's rights; its secret.

        Raises:
            Unauthenticated: it is none, or no good one.
            Forbidden: its user is not active.
        """

        async def work(tx: Tx) -> str:
            now = self._clock()
            return await _open(tx, await authenticate(tx, token, now), now)

        return await alone(self._store, work)

    async def invited(self, link: str) -> Invited | None:
        """Whom a link would sign in; None where it is used or has run out."""
        found = await look(self._store, lambda tx: store.invited(tx, hash_of(link)))
        is_good = found and found.state == "active" and found.due_date > self._clock()
        return found if is_good else None

    async def link_for(self, org: str, user_id: str) -> str:
        """Make a link for a user of an org; its secret."""
        return await alone(self._store, lambda tx: invite(tx, org, user_id, self._clock()))

    async def open_with_link(self, link: str) -> str | None:
        """Use a link up, and open a session; its secret, or None where the link is no good."""

        async def work(tx: Tx) -> str | None:
            now = self._clock()
            found = await store.invited(tx, hash_of(link))
            if found is None or not await store.use(tx, hash_of(link)):
                return None
            if found.due_date <= now or found.state != "active":
                return None
            return await _open(tx, Caller(found.org, found.user_id, ""), now)

        return await alone(self._store, work)

    async def end(self, secret: str) -> None:
        """End a session."""
        await alone(self._store, lambda tx: store.remove(tx, hash_of(secret)))

    async def end_all(self, caller: Caller) -> None:
        """End every session of a user."""
        await alone(self._store, lambda tx: store.remove_of(tx, caller.org, caller.user_id))


async def invite(tx: Tx, org: str, user_id: str, now: int) -> str:
    """Make a link that signs a user in once, within ten minutes; its secret."""
    secret = secrets.token_urlsafe(32)
    await store.invite(tx, hash_of(secret), org, user_id, now + LINK_LIFE)
    return secret


def hash_of(secret: str) -> str:
    """What is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def _open(tx: Tx, caller: Caller, now: int) -> str:
    secret = secrets.token_urlsafe(32)
    row = SessionRow(hash_of(secret), caller.org, caller.user_id, caller.token, now, now)
    await store.insert(tx, row)
    return secret


def _is_over(found: store.SessionOwner, now: int) -> bool:
    """Whether a session has ended by itself, or its token has."""
    if found.created_date <= now - LIFE or found.seen_date <= now - IDLE:
        return True
    if found.token is None:
        return False
    return found.expires_date is None or found.expires_date <= now or found.revoked_date is not None

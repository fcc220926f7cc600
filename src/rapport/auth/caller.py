"""Who calls, and what they may do."""

from typing import NamedTuple

from rapport.auth import scopes, tokens
from rapport.clock import Clock
from rapport.contract.kit.errors import Forbidden, Unauthenticated
from rapport.contract.kit.method import READ, Method
from rapport.contract.kit.own_time import IMPORT
from rapport.store import auth_tokens as token_store
from rapport.store.kit.db import Store, Tx

# What each role may do in a family: the level, and the same for the families that only admins
# change.
_ROLE_LEVELS = {"viewer": 0, "member": 2, "admin": 2}
_ADMIN_FAMILIES = frozenset(
    {"dev-orgs", "dev-users", "service-accounts", "users", "webhooks", "webhook-deliveries"}
)
# What only they do in families that others change too, because nobody can take it back.
_ADMIN_METHODS = frozenset({"engagements.purge", "meetings.purge"})
# Theirs to read, too: a webhook's answer has its secret, a delivery's whatever a receiver said.
_ADMINS_READ = frozenset({"webhooks", "webhook-deliveries"})


class Caller(NamedTuple):
    """Somebody with a good token.

    Args:
        org: their dev org.
        user_id: their display id, such as `DEVU-1`.
        role: `viewer`, `member` or `admin`.
        scope: scopes separated by spaces; empty for everything that the role allows.
        token: the number of the token; None for the command line and for a session that a link
            opened, which have none.
        origin: where they came in, such as `https://rapport.example`; given to methods that sign
            URLs.
        is_operator: they came by the command line.
    """

    org: str
    user_id: str
    role: str
    scope: str = ""
    token: int | None = None
    origin: str = ""
    is_operator: bool = False


async def authenticate(tx: Tx, header: str | None, now: int) -> Caller:
    """Find who an `Authorization` header speaks for: `Bearer <token>` in any case, or the bare
    token.

    Raises:
        Unauthenticated: no token, or one that is malformed, unknown, expired or revoked.
        Forbidden: the user is not active.
    """
    if header is None or not header.strip():
        raise _refused(
            "The Authorization header is missing.", "missing: send Authorization: Bearer <token>"
        )
    first, _, rest = header.strip().partition(" ")
    token = rest.strip() if first.lower() == "bearer" else header.strip()
    token_hash = tokens.hash_of_well_formed(token)
    if token_hash is None:
        raise _refused("The token is malformed.", "malformed: this is not a token of this server")
    owner = await token_store.find(tx, token_hash)
    if owner is None:
        raise unknown()
    if owner.revoked_date is not None:
        raise _refused("The token was revoked.", "revoked: ask for a new token")
    if owner.expires_date <= now:
        raise _refused("The token has expired.", "expired: ask for a new token")
    if owner.state != "active":
        raise Forbidden(
            f"The user {owner.user_id} is {owner.state}.",
            detail="Only active users may use the API; ask an admin.",
        )
    return Caller(owner.org, owner.user_id, owner.role or "member", owner.scope, owner.number)


class Callers:
    """Finds who speaks, on a store.

    Args:
        store: where tokens and users are.
        clock: the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of(self, header: bytes | None, *, deadline: float) -> Caller:
        """Find who an `Authorization` header speaks for now.

        Raises:
            Unauthenticated: no token, or one that is malformed, unknown, expired or revoked.
            Forbidden: the user is not active.
            ServiceUnavailable: the store is away, or the deadline has passed.
        """
        text = header.decode("latin-1") if header is not None else None

        async def caller(tx: Tx) -> Caller:
            return await authenticate(tx, text, self._clock())

        return await self._store.read(caller, deadline=deadline)


def unknown() -> Unauthenticated:
    """The answer to a token that is none here, or no more since its org was deleted."""
    return _refused("The token is unknown.", "malformed: this server never gave out this token")


def _refused(message: str, detail: str) -> Unauthenticated:
    return Unauthenticated(message, detail=detail)


def allows(caller: Caller, scope: str) -> bool:
    """Whether token and role allow what takes a scope beside the one of its method."""
    level = scopes.LEVELS[scope.rpartition(":")[2]]
    return scopes.grants(caller.scope, scope) and level <= _ROLE_LEVELS[caller.role]


def may_import(caller: Caller) -> bool:
    """Whether they may say themselves who made something and when: an admin whose token says so,
    or for whom the operator speaks.
    """
    says_so = caller.is_operator or IMPORT in scopes.words(caller.scope)
    return says_so and caller.role == "admin"


def may_grant(caller: Caller, scope: str) -> bool:
    """Whether a token that they make may have one scope: none that theirs has not."""
    if scope == IMPORT:
        return caller.role == "admin" and (not caller.scope or may_import(caller))
    return scopes.grants(caller.scope, scope)


def authorize(caller: Caller, method: Method) -> None:
    """Check scope and role.

    Raises:
        Forbidden: one of them does not allow the method; the message names the missing scope.
    """
    if method.scope is None:
        return
    if not scopes.grants(caller.scope, method.scope):
        raise Forbidden(
            f"The token lacks the scope {method.scope} that {method.name} needs.",
            detail=f"Its scope is: {caller.scope}. Use a token with {method.scope}.",
        )
    level = scopes.LEVELS[method.scope.partition(":")[2]]
    allowed = _ROLE_LEVELS[caller.role]
    is_theirs = method.family in _ADMIN_FAMILIES or method.name in _ADMIN_METHODS
    if is_theirs and caller.role != "admin":
        allowed = 0
    hidden = method.family in _ADMINS_READ and caller.role != "admin"
    if hidden or level > allowed or (method.effect != READ and allowed == 0):
        raise Forbidden(
            f"The role {caller.role} does not allow {method.name}, which needs {method.scope}.",
            detail="Ask an admin of your org for a role that does.",
        )

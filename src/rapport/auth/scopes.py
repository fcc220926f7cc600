"""Scopes: `<family>:<read|write|all>`, or a level alone for every family; several are separated
by spaces (behaviour: Tokens and rights). `import` is one beside them, of admins, that nothing else
covers.
"""

from rapport.contract.kit.own_time import IMPORT
from rapport.contract.table import METHODS

LEVELS = {"read": 0, "write": 1, "all": 2}
FAMILIES = tuple(
    sorted({method.scope.partition(":")[0] for method in METHODS.values() if method.scope})
)
ALL_SCOPES = (*LEVELS, IMPORT, *(f"{family}:{level}" for family in FAMILIES for level in LEVELS))


def words(scopes: str) -> list[str]:
    """The scopes of a text, each once and at its first place."""
    return list(dict.fromkeys(scopes.split()))


def unknown(scopes: str) -> list[str]:
    """Those that are no scopes of this server."""
    return [word for word in words(scopes) if word not in ALL_SCOPES]


def grants(scopes: str, wanted: str) -> bool:
    """True when a token's scopes cover one scope; a level alone is covered by a level alone only.

    Args:
        scopes: of the token; empty for everything that the role allows.
        wanted: one scope.
    """
    if not scopes:
        return True
    family, _, level = wanted.rpartition(":")
    for scope in scopes.split():
        if scope == IMPORT:
            continue
        name, _, granted = scope.rpartition(":")
        if name in {"", family} and LEVELS[granted] >= LEVELS[level]:
            return True
    return False

"""What may stand in an id's place: addresses, external refs and domains, looked up all at once."""

from collections.abc import Iterable

from rapport.contract.kit import ids
from rapport.store.kit import terms
from rapport.store.kit.db import Tx
from rapport.store.users import email_key

# Whose, of which kind, by what, and which.
NameKey = tuple[str, ids.Kind, str, str]


async def find(tx: Tx, wanted: Iterable[NameKey]) -> dict[NameKey, list[str]]:
    """The display ids of live objects that have a name, 11 of them at the most; names
    that nothing has are left out.
    """
    keys: dict[tuple[str, ...], NameKey] = {}
    asked: dict[str, list[tuple[str, ...]]] = {table: [] for table in _TABLES}
    for key in wanted:
        org, kind, scheme, value = key
        row = (org, kind.name, scheme, _kept(kind, scheme, value))
        keys[row] = key
        asked[_table(kind, scheme)].append(row)
    rows = await tx.all(_FIND, **asked)
    return {
        keys[org, kind, scheme, value]: sorted(found.split(), key=ids.number_of)
        for org, kind, scheme, value, found in rows
        if found
    }


def _kept(kind: ids.Kind, scheme: str, value: str) -> str:
    """A value as its column has it."""
    if scheme == "email":
        return email_key(value)
    return terms.kept([value])[0] if kind is ids.ACCOUNT else value


def _table(kind: ids.Kind, scheme: str) -> str:
    return {"email": "emails", "domain": "domains"}.get(scheme, kind.name)


_TABLES = (
    "emails",
    "domains",
    *(
        kind.name
        for kind in (
            ids.ACCOUNT, ids.COMMENT, ids.ENGAGEMENT, ids.MEETING, ids.OPPORTUNITY, ids.REV_ORG,
            ids.REV_USER,
        )
    ),
)  # fmt: skip
# What is unique is joined. Of what is not, a name of very many is not read to its end.
_FIND = """
    SELECT r.org, r.kind, r.scheme, r.value, (
        SELECT string_agg(f.display_id, ' ') FROM (
            SELECT t.display_id FROM users t
            WHERE t.org = r.org AND t.email_key = r.value AND t.kind = r.kind
              AND t.state <> 'deleted' ORDER BY t.number LIMIT 11) f)
    FROM rows(:emails, org text, kind text, scheme text, value text) r
    UNION ALL
    SELECT r.org, r.kind, r.scheme, r.value, (
        SELECT string_agg(f.owner, ' ') FROM (
            SELECT t.owner FROM terms t
            WHERE t.org = r.org AND t.field = 'accounts.domains' AND t.value = r.value
            ORDER BY t.owner LIMIT 11) f)
    FROM rows(:domains, org text, kind text, scheme text, value text) r
    UNION ALL
    SELECT r.org, r.kind, r.scheme, r.value, (
        SELECT string_agg(f.display_id, ' ') FROM (
            SELECT 'OPP-' || CAST(t.number AS TEXT) AS display_id FROM opportunities t
            WHERE t.org = r.org AND t.external_ref = r.value ORDER BY t.number LIMIT 11) f)
    FROM rows(:opportunity, org text, kind text, scheme text, value text) r
    UNION ALL
    SELECT r.org, r.kind, r.scheme, r.value, t.owner
    FROM rows(:account, org text, kind text, scheme text, value text) r
    JOIN terms t ON t.org = r.org AND t.field = 'accounts.external_refs' AND t.value = r.value
    UNION ALL
    SELECT r.org, r.kind, r.scheme, r.value, t.display_id
    FROM rows(:rev_user, org text, kind text, scheme text, value text) r
    JOIN users t ON t.org = r.org AND t.external_ref = r.value AND t.kind = 'rev_user'
        AND t.state <> 'deleted'
    UNION ALL
    SELECT r.org, r.kind, r.scheme, r.value, 'REV-' || CAST(t.number AS TEXT)
    FROM rows(:rev_org, org text, kind text, scheme text, value text) r
    JOIN rev_orgs t ON t.org = r.org AND t.external_ref = r.value
    UNION ALL
    SELECT r.org, r.kind, r.scheme, r.value, 'ENGAGEMENT-' || CAST(t.number AS TEXT)
    FROM rows(:engagement, org text, kind text, scheme text, value text) r
    JOIN engagements t ON t.org = r.org AND t.external_ref = r.value AND t.deleted_date IS NULL
    UNION ALL
    SELECT r.org, r.kind, r.scheme, r.value, 'MEETING-' || CAST(t.number AS TEXT)
    FROM rows(:meeting, org text, kind text, scheme text, value text) r
    JOIN meetings t ON t.org = r.org AND t.external_ref = r.value AND t.deleted_date IS NULL
    UNION ALL
    SELECT r.org, r.kind, r.scheme, r.value, 'COMMENT-' || CAST(t.number AS TEXT)
    FROM rows(:timeline_comment, org text, kind text, scheme text, value text) r
    JOIN comments t ON t.org = r.org AND t.external_ref = r.value
"""

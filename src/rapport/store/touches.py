"""Touches: when each account was in touch and when it will be, kept in the transaction of what
changes it.

A touch is a live engagement or meeting with a date. It is each account's that is its parent, has
an opportunity that is, or has a person who took part: once, however many of these hold. Of each
account its last touch, the next one and the number in 30 days are kept as they were at a moment
(`as_of`), and until when they stay so (`due_date`): when the next one comes, or the oldest of the
30 days leaves. From then on they are read from the touches, until `settle` has brought them up to
date; so what is answered is right at every moment, whether anything is written or not.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

from rapport.clock import DAY
from rapport.contract.kit import ids
from rapport.store.kit.db import NO_DATE, Bulk, Row, Tx

# How far back touches are recent.
_RECENT = 30 * DAY
# Of what never changes by itself.
_NEVER = 2**62
Kind = Literal["engagement", "meeting"]
# An org, and a number in it.
Key = tuple[str, int]


class Touch(NamedTuple):
    """That an account is in touch; `account` and `number` are numbers."""

    org: str
    account: int
    date: int
    kind: Kind
    number: int


class Dated(NamedTuple):
    """A live engagement or meeting, and its parents and members by display id."""

    org: str
    number: int
    date: int
    named: Collection[str]


class Rhythm(NamedTuple):
    """Of an account: its last touch and the next, or `NO_DATE`, and how many it had in 30 days."""

    last_date: int
    next_date: int
    recent: int


class _Kept(NamedTuple):
    org: str
    account: int
    as_of: int
    last_date: int
    next_date: int
    recent: int
    due_date: int


# Whose they are


async def _touches(tx: Tx, kind: Kind, found: Iterable[Dated]) -> set[Touch]:
    """The touches that these are."""
    dated = [one for one in found if one.date > NO_DATE]
    owners = await _owners(tx, {(one.org, name) for one in dated for name in one.named})
    return {
        Touch(one.org, account, one.date, kind, one.number)
        for one in dated
        for name in one.named
        for account in owners.get((one.org, name), ())
    }


async def _owners(tx: Tx, names: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[int]]:
    """The accounts that parents and members belong to, by org and display id."""
    by_kind: dict[ids.Kind, list[tuple[str, str, int]]] = defaultdict(list)
    for org, name in sorted(names):
        by_kind[ids.kind_of(name)].append((org, name, ids.number_of(name)))
    found = {(org, name): [number] for org, name, number in by_kind[ids.ACCOUNT]}
    deals, people = by_kind[ids.OPPORTUNITY], by_kind[ids.REV_USER]
    if deals or people:
        for org, name, account in await tx.all(_OWNERS, deals=deals, people=people):
            found[org, name] = [account]
    return found


_OWNERS = """
    SELECT r.org, r.name, o.account
    FROM rows(:deals, org text, name text, number bigint) r
    CROSS JOIN opportunities o WHERE o.org = r.org AND o.number = r.number
    UNION ALL SELECT r.org, r.name, v.account
    FROM rows(:people, org text, name text, number bigint) r
    CROSS JOIN users u CROSS JOIN rev_orgs v
    WHERE u.org = r.org AND u.display_id = r.name
    AND v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
"""
_DATED = {
    "engagement": """
        SELECT e.org, e.number, e.scheduled_date, p.parent
        FROM rows(:keys, org text, number bigint) r
        CROSS JOIN engagements e CROSS JOIN engagement_parents p
        WHERE e.org = r.org AND e.number = r.number AND e.deleted_date IS NULL
        AND p.org = e.org AND p.engagement = e.number
        UNION ALL SELECT e.org, e.number, e.scheduled_date, m.member
        FROM rows(:keys, org text, number bigint) r
        CROSS JOIN engagements e CROSS JOIN engagement_members m
        WHERE e.org = r.org AND e.number = r.number AND e.deleted_date IS NULL
        AND m.org = e.org AND m.engagement = e.number
    """,
    "meeting": """
        SELECT m.org, m.number, m.scheduled_date, m.parent
        FROM rows(:keys, org text, number bigint) r CROSS JOIN meetings m
        WHERE m.org = r.org AND m.number = r.number AND m.deleted_date IS NULL
        AND m.parent IS NOT NULL
        UNION ALL SELECT m.org, m.number, m.scheduled_date, t.value
        FROM rows(:keys, org text, number bigint) r CROSS JOIN meetings m CROSS JOIN terms t
        WHERE m.org = r.org AND m.number = r.number AND m.deleted_date IS NULL
        AND t.org = m.org AND t.owner = 'MEETING-' || m.number AND t.field = 'meetings.members'
    """,
}


async def _of(tx: Tx, kind: Kind, keys: Collection[Key]) -> set[Touch]:
    """The touches that engagements or meetings are, as their rows say."""
    if not keys:
        return set()
    named: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    for org, number, date, name in await tx.all(_DATED[kind], keys=sorted(keys)):
        named[org, number, date].append(name)
    return await _touches(tx, kind, [Dated(*key, names) for key, names in named.items()])


# What changes them


async def add(tx: Tx, kind: Kind, new: Sequence[Dated], now: int) -> None:
    """Note the touches of new engagements or meetings.

    Args:
        tx: that makes them.
        kind: what they are.
        new: all of them.
        now: a moment that is past, the nearer the better; so below.
    """
    await _change(tx, set(), await _touches(tx, kind, new), now)


@asynccontextmanager
async def following(tx: Tx, kind: Kind, keys: Collection[Key], now: int) -> AsyncIterator[None]:
    """Note what the block makes of the touches of engagements or meetings, which are held."""
    before = await _of(tx, kind, keys)
    yield
    await _change(tx, before, await _of(tx, kind, keys), now)


@asynccontextmanager
async def moving(tx: Tx, org: str, names: Sequence[str], now: int) -> AsyncIterator[None]:
    """Note the touches that go elsewhere because opportunities or people do; they are named by
    display id. Opportunities are held already.
    """
    held = [
        {(org, number) for (number,) in await tx.all(sql, org=org, names=[(n,) for n in names])}
        for sql in (_PEOPLE, _ENGAGEMENTS_OF, _MEETINGS_OF)
        if names
    ]
    _, engagements, meetings = held or [set(), set(), set()]
    async with (
        following(tx, "engagement", engagements, now),
        following(tx, "meeting", meetings, now),
    ):
        yield


# All of it is held, or who makes or changes one meanwhile would not see where it goes.
_PEOPLE = """
    SELECT u.number FROM users u
    WHERE u.org = :org AND u.display_id IN (SELECT name FROM rows(:names, name text))
    ORDER BY u.display_id FOR UPDATE
"""
_ENGAGEMENTS_OF = """
    SELECT e.number FROM (
        SELECT p.engagement AS number
        FROM rows(:names, name text) r CROSS JOIN engagement_parents p
        WHERE p.org = :org AND p.parent = r.name
        UNION SELECT m.engagement FROM rows(:names, name text) r CROSS JOIN engagement_members m
        WHERE m.org = :org AND m.member = r.name
    ) f CROSS JOIN engagements e
    WHERE e.org = :org AND e.number = f.number AND e.deleted_date IS NULL
    ORDER BY e.number FOR UPDATE OF e
"""
_MEETINGS_OF = """
    SELECT m.number FROM (
        SELECT p.number AS number FROM rows(:names, name text) r CROSS JOIN meetings p
        WHERE p.org = :org AND p.parent = r.name
        UNION SELECT t.number FROM rows(:names, name text) r CROSS JOIN terms t
        WHERE t.org = :org AND t.field = 'meetings.members' AND t.value = r.name
        AND t.number IS NOT NULL
    ) f CROSS JOIN meetings m
    WHERE m.org = :org AND m.number = f.number AND m.deleted_date IS NULL
    ORDER BY m.number FOR UPDATE OF m
"""


async def _change(tx: Tx, before: set[Touch], after: set[Touch], now: int) -> None:
    gone, new = sorted(before - after), sorted(after - before)
    if gone:
        await tx.run(
            """
            DELETE FROM derived_touches WHERE (org, account, date, kind, number) IN (
                SELECT org, account, date, kind, number
                FROM rows(:gone, org text, account bigint, date bigint, kind text, number bigint))
            """,
            gone=gone,
        )
    if new:
        await tx.run(
            """
            INSERT INTO derived_touches (org, account, date, kind, number)
            SELECT org, account, date, kind, number
            FROM rows(:new, org text, account bigint, date bigint, kind text, number bigint)
            WHERE true ON CONFLICT DO NOTHING
            """,
            new=new,
        )
    if gone or new:
        await _keep(tx, gone, new, now)


# What is kept of accounts


async def begin(tx: Tx, org: str, account: int) -> None:
    """Keep what an account's touches are, of which it has none yet."""
    await tx.run(
        """
        INSERT INTO derived_rhythms (org, account, as_of, last_date, next_date, recent, due_date)
        VALUES (:org, :account, :none, :none, :none, 0, :never)
        """,
        org=org,
        account=account,
        none=NO_DATE,
        never=_NEVER,
    )


async def end(tx: Tx, org: str, account: int) -> None:
    """Keep nothing of an account any more; it has no touches."""
    await tx.run(
        "DELETE FROM derived_rhythms WHERE org = :org AND account = :account",
        org=org,
        account=account,
    )


async def _keep(tx: Tx, gone: Sequence[Touch], new: Sequence[Touch], now: int) -> None:
    """Bring what is kept of accounts up to date with a change."""
    dates: dict[Key, list[int]] = defaultdict(list)
    for touch in new:
        dates[touch.org, touch.account].append(touch.date)
    lessened = {(touch.org, touch.account) for touch in gone}
    wanted = sorted({*dates, *lessened})
    rows = await tx.all(_KEPT, wanted=wanted)
    changed, unknown = [], []
    for kept in map(_Kept._make, rows):
        at, key = max(kept.as_of, now), (kept.org, kept.account)
        if key in lessened or kept.due_date <= at:
            unknown.append((*key, at))
        else:
            changed.append(_with(kept, dates[key], at))
    await _write(tx, [*changed, *await _reckoned(tx, unknown)])


_KEPT = """
    SELECT k.org, k.account, k.as_of, k.last_date, k.next_date, k.recent, k.due_date
    FROM rows(:wanted, org text, account bigint) r
    CROSS JOIN derived_rhythms k WHERE k.org = r.org AND k.account = r.account
    ORDER BY k.org, k.account FOR UPDATE OF k
"""


def _with(kept: _Kept, dates: Sequence[int], at: int) -> _Kept:
    """What is kept, which is so at a moment, with more touches."""
    past = [date for date in dates if date <= at]
    coming = [date for date in dates if date > at]
    recent = [date for date in past if date > at - _RECENT]
    if kept.next_date > NO_DATE:
        coming.append(kept.next_date)
    return kept._replace(
        as_of=at,
        last_date=max([kept.last_date, *past]),
        next_date=min(coming, default=NO_DATE),
        recent=kept.recent + len(recent),
        due_date=min([kept.due_date, *coming, *(date + _RECENT for date in recent)]),
    )


def _sums(at: str, org: str, account: str) -> tuple[str, str, str]:
    """SQL of an account's last touch, its next and the number of recent ones, at a moment."""
    of = f"SELECT {{}} FROM derived_touches t WHERE t.org = {org} AND t.account = {account} AND"  # noqa: S608  # our own names
    recent = f"t.date > {at} - {_RECENT}"
    return (
        f"COALESCE(({of.format('max(t.date)')} t.date <= {at}), {NO_DATE})",
        f"COALESCE(({of.format('min(t.date)')} t.date > {at}), {NO_DATE})",
        f"({of.format('count(*)')} {recent} AND t.date <= {at})",
    )


async def _reckoned(tx: Tx, accounts: Sequence[tuple[str, int, int]]) -> list[_Kept]:
    """What is to be kept of accounts, each with a moment, from their touches."""
    if not accounts:
        return []
    rows = await tx.all(
        f"""
        SELECT r.org, r.account, r.at, {", ".join(_sums("r.at", "r.org", "r.account"))},
               (SELECT min(t.date) FROM derived_touches t WHERE t.org = r.org
                AND t.account = r.account AND t.date > r.at - {_RECENT})
        FROM rows(:accounts, org text, account bigint, at bigint) r
        """,  # noqa: S608  # our own names
        accounts=accounts,
    )
    return [_reckon(row) for row in rows]


def _reckon(row: Row) -> _Kept:
    """What is to be kept, from a row that ends with the oldest of those that are not too old."""
    org, account, at, last, next_, recent, oldest = row
    due = next_ if next_ > NO_DATE else _NEVER
    if oldest is not None and oldest <= at:
        due = min(due, oldest + _RECENT)
    return _Kept(org, account, at, last, next_, recent, due)


async def _write(tx: Tx, rows: Sequence[_Kept]) -> None:
    if rows:
        await tx.run(
            """
            UPDATE derived_rhythms SET as_of = r.as_of, last_date = r.last_date,
                next_date = r.next_date, recent = r.recent, due_date = r.due_date
            FROM rows(:rows, org text, account bigint, as_of bigint, last_date bigint,
                      next_date bigint, recent bigint, due_date bigint) r
            WHERE derived_rhythms.org = r.org AND derived_rhythms.account = r.account
            """,
            rows=rows,
        )


async def settle(tx: Tx, *, now: int, most: int) -> int:
    """Bring up to date what is kept of accounts for which time has passed; of how many."""
    due = await tx.all(
        """
        SELECT k.org, k.account FROM orgs o CROSS JOIN derived_rhythms k
        WHERE k.org = o.org AND k.due_date <= :now AND o.deleted_date IS NULL
        LIMIT :most FOR UPDATE OF k SKIP LOCKED
        """,
        now=now,
        most=most,
    )
    await _write(tx, await _reckoned(tx, [(org, account, now) for org, account in due]))
    return len(due)


# Reading


async def rhythms(tx: Tx, org: str, accounts: Sequence[int], now: int) -> dict[int, Rhythm]:
    """The rhythms of accounts, by their numbers."""
    names = Rhythm._fields
    columns = ", ".join(
        f"CASE WHEN k.due_date > :now THEN k.{name} ELSE {sum_} END"
        for name, sum_ in zip(names, _sums(":now", "k.org", "k.account"), strict=True)
    )
    rows = await tx.all(
        f"""
        SELECT k.account, {columns} FROM rows(:accounts, account bigint) r
        CROSS JOIN derived_rhythms k WHERE k.org = :org AND k.account = r.account
        """,  # noqa: S608  # our own names
        org=org,
        accounts=[(account,) for account in accounts],
        now=now,
    )
    return {account: Rhythm(*rhythm) for account, *rhythm in rows}


# Tables with a row for each account of `:org`, as it is at `:now`: those that are kept, in the
# order of an index, and those that are reckoned, of which there are few. The plus keeps SQLite from
# taking the index of dues for the better way.
KEPT = "derived_rhythms k"
IS_KEPT = "k.org = :org AND +k.due_date > :now"
RECKONED = f"""(
    SELECT d.org, d.account, {
    ", ".join(
        f"{sum_} AS {name}"
        for name, sum_ in zip(Rhythm._fields, _sums(":now", "d.org", "d.account"), strict=True)
    )
} FROM derived_rhythms d
    WHERE d.org = :org AND d.due_date <= :now LIMIT {_NEVER}) k"""  # noqa: S608  # our own names


# Making them anew


def _live(table: str, date: str = "scheduled_date") -> str:
    return f"{table}.deleted_date IS NULL AND {table}.{date} > {NO_DATE}"


# As in the migration that made the table.
TOUCHES = f"""
    SELECT e.org, CAST(substr(p.parent, 5) AS BIGINT), e.scheduled_date, 'engagement', e.number
    FROM engagement_parents p JOIN engagements e ON e.org = p.org AND e.number = p.engagement
    WHERE p.parent LIKE 'ACC-%' AND {_live("e")}
    UNION SELECT e.org, o.account, e.scheduled_date, 'engagement', e.number
    FROM engagement_parents p JOIN engagements e ON e.org = p.org AND e.number = p.engagement
    JOIN opportunities o ON o.org = p.org AND o.number = CAST(substr(p.parent, 5) AS BIGINT)
    WHERE p.parent LIKE 'OPP-%' AND {_live("e")}
    UNION SELECT e.org, v.account, e.scheduled_date, 'engagement', e.number
    FROM engagement_members m JOIN engagements e ON e.org = m.org AND e.number = m.engagement
    JOIN users u ON u.org = m.org AND u.display_id = m.member
    JOIN rev_orgs v ON v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
    WHERE m.member LIKE 'REVU-%' AND {_live("e")}
    UNION SELECT m.org, CAST(substr(m.parent, 5) AS BIGINT), m.scheduled_date, 'meeting', m.number
    FROM meetings m WHERE m.parent LIKE 'ACC-%' AND {_live("m")}
    UNION SELECT m.org, o.account, m.scheduled_date, 'meeting', m.number
    FROM meetings m
    JOIN opportunities o ON o.org = m.org AND o.number = CAST(substr(m.parent, 5) AS BIGINT)
    WHERE m.parent LIKE 'OPP-%' AND {_live("m")}
    UNION SELECT m.org, v.account, m.scheduled_date, 'meeting', m.number
    FROM terms t JOIN meetings m ON m.org = t.org AND m.number = t.number
    JOIN users u ON u.org = t.org AND u.display_id = t.value
    JOIN rev_orgs v ON v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
    WHERE t.field = 'meetings.members' AND t.value LIKE 'REVU-%' AND {_live("m")}
"""  # noqa: S608  # our own names


async def rebuild(bulk: Bulk) -> None:
    """Make touches anew, and what is kept of accounts as it was before all time; in a
    transaction.
    """
    await bulk.run("DELETE FROM derived_touches")
    await bulk.run("DELETE FROM derived_rhythms")
    await bulk.run(f"INSERT INTO derived_touches (org, account, date, kind, number) {TOUCHES}")
    await bulk.run(
        f"""
        INSERT INTO derived_rhythms (org, account, as_of, last_date, next_date, recent, due_date)
        SELECT a.org, a.number, {NO_DATE}, {NO_DATE}, COALESCE(t.first, {NO_DATE}), 0,
               COALESCE(t.first, {_NEVER})
        FROM accounts a LEFT JOIN (
            SELECT org, account, min(date) AS first FROM derived_touches GROUP BY org, account
        ) t ON t.org = a.org AND t.account = a.number
        """  # noqa: S608  # our own names
    )


async def wrong(bulk: Bulk) -> list[str]:
    """Touches and rhythms that are not what there is, named for people; in a transaction."""
    columns = "org, account, date, kind, number"
    kept = f"SELECT {columns} FROM derived_touches"  # noqa: S608  # our own names
    found = [
        f"{what} {org}/{ids.ACCOUNT.display_id(account)}: {kind} {number}"
        for what, one, other in (("missing", TOUCHES, kept), ("lost", kept, TOUCHES))
        for org, account, _, kind, number in await bulk.all(
            f"SELECT * FROM ({one}) AS one EXCEPT SELECT * FROM ({other}) AS other"  # noqa: S608
        )
    ]
    return sorted([*found, *await _wrong_rhythms(bulk)])


async def _wrong_rhythms(bulk: Bulk) -> list[str]:
    """Those that are not what there was at their moment."""
    rows = await bulk.all(
        f"""
        SELECT a.org, a.number, k.account, k.as_of, k.last_date, k.next_date, k.recent, k.due_date,
               {", ".join(_sums("k.as_of", "k.org", "k.account"))},
               (SELECT min(t.date) FROM derived_touches t WHERE t.org = k.org
                AND t.account = k.account AND t.date > k.as_of - {_RECENT})
        FROM accounts a LEFT JOIN derived_rhythms k ON k.org = a.org AND k.account = a.number
        """  # noqa: S608  # our own names
    )
    return [
        f"rhythm {org}/{ids.ACCOUNT.display_id(number)}"
        for org, number, *rest in rows
        if not _is_right((org, number, *rest))
    ]


def _is_right(row: Row) -> bool:
    org, number, account, as_of, *rest = row
    if account is None:
        return False
    kept = _Kept(org, number, as_of, *rest[:4])
    return kept == _reckon((org, number, as_of, *rest[4:]))

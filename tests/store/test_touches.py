"""What is kept of when accounts were in touch is what a scan of everything finds, whatever
happened, and at every moment.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.clock import DAY
from rapport.contract.kit.paging import Cursor, Sort
from rapport.store import (
    accounts,
    engagement_links,
    engagements,
    meetings,
    rev_orgs,
    touches,
    users,
    works,
)
from rapport.store.accounts import AccountRow, Between
from rapport.store.engagement_links import Related
from rapport.store.kit import query
from rapport.store.kit.db import NO_DATE, Tx
from rapport.store.kit.query import Walk
from rapport.store.meetings import MeetingRow, Named
from rapport.store.rev_orgs import RevOrgRow
from rapport.store.touches import Rhythm
from rapport.store.users import UserRow
from rapport.store.works import OpportunityRow
from tests.support.engine import Engine, row_of

ACCOUNTS = (1, 2, 3)
PARENTS, MEMBERS = ("ACC-1", "ACC-2", "OPP-1"), ("DEVU-1", "REVU-1", "REVU-2")
START = 100 * DAY
# Long ago, of late, at this moment, soon and much later.
DATES = (NO_DATE, START - 40 * DAY, START - 29 * DAY, START, START + DAY, START + 35 * DAY)
STAMPS: dict[str, Any] = {
    "created_by": "DEVU-1",
    "created_date": START,
    "modified_by": "DEVU-1",
    "document": "{}",
}

some_members = st.lists(st.sampled_from(MEMBERS), unique=True)
made = st.tuples(
    st.just("make"),
    st.sampled_from(("engagement", "meeting")),
    st.sampled_from(DATES),
    st.lists(st.sampled_from(PARENTS), unique=True),
    some_members,
)
changed = st.tuples(
    st.sampled_from(("date", "links", "delete", "restore")),
    st.integers(0, 5),
    st.sampled_from(DATES),
    st.lists(st.sampled_from(PARENTS), unique=True),
    some_members,
)
moved = st.tuples(
    st.sampled_from(("deal", "person", "rev_org", "leave", "settle")), st.sampled_from(ACCOUNTS)
)
# How much time passes before each.
steps = st.lists(
    st.tuples(st.sampled_from((0, DAY, 3 * DAY, 31 * DAY)), st.one_of(made, made, changed, moved)),
    min_size=1,
    max_size=12,
)


class World:
    """Three accounts, a deal, a person in each of two rev orgs, and their touches: in the store,
    and as plain data.
    """

    def __init__(self, tx: Tx, org: str) -> None:
        self.tx, self.org, self.now = tx, org, START
        self.deal, self.rev_orgs = 1, {1: 1, 2: 2}
        self.people: dict[str, int | None] = {"REVU-1": 1, "REVU-2": 2}
        # Kind and number, date, parents, members, whether it lives.
        self.made: list[list[Any]] = []

    async def begin(self) -> None:
        for number in ACCOUNTS:
            await self._write(accounts.insert, self.account(number))
        await self._write(works.insert, self._deal())
        for number in self.rev_orgs:
            await self._write(rev_orgs.insert, self._rev_org(number))
        for name in self.people:
            await self._write(users.insert, self._person(name))

    async def _write(self, work: Callable[..., Any], *arguments: Any) -> None:
        await work(self.tx, *arguments)

    def account(self, number: int) -> AccountRow:
        stamps = {**STAMPS, "modified_date": START}
        return AccountRow(self.org, number, f"Account {number}", None, **stamps)

    def _deal(self) -> OpportunityRow:
        stamps = {**STAMPS, "modified_date": self.now}
        return OpportunityRow(self.org, 1, "Deal", self.deal, None, NO_DATE, **stamps)

    def _rev_org(self, number: int) -> RevOrgRow:
        stamps = {**STAMPS, "modified_date": self.now}
        return RevOrgRow(self.org, number, self.rev_orgs[number], 0, "West", None, **stamps)

    def _person(self, name: str) -> UserRow:
        number = self.people[name]
        rev_org = f"REV-{number}" if number else None
        stamps = {**STAMPS, "modified_date": self.now}
        kind: dict[str, Any] = {
            "kind": "rev_user",
            "number": int(name[5:]),
            "state": "active",
            "role": None,
        }
        texts: dict[str, Any] = dict.fromkeys(
            ("display_name", "full_name", "email", "external_ref")
        )
        return UserRow(org=self.org, display_id=name, rev_org=rev_org, **kind, **texts, **stamps)

    async def do(self, step: Sequence[Any]) -> None:
        what, *how = step
        if what == "make":
            await self._make(*how)
        elif what in {"date", "links", "delete", "restore"}:
            if self.made:
                await self._change(what, self.made[how[0] % len(self.made)], *how[1:])
        elif what == "settle":
            await touches.settle(self.tx, now=self.now, most=2)
        else:
            await self._move(what, *how)

    async def _make(self, kind: str, date: int, parents: list[str], members: list[str]) -> None:
        parents = parents[:1] if kind == "meeting" else parents
        one = [kind, len(self.made) + 1, date, parents, members, True]
        self.made.append(one)
        if kind == "meeting":
            await self._write(meetings.insert, *self._meeting(one))
        else:
            await self._write(
                engagements.insert, [self._engagement(one)], [Related(members, parents)]
            )

    def _engagement(self, one: list[Any]) -> Any:
        return row_of(self.org, one[1], scheduled_date=one[2], modified_date=self.now)

    def _meeting(self, one: list[Any]) -> tuple[MeetingRow, Named]:
        _, number, date, parents, members, _ = one
        row = MeetingRow(
            org=self.org,
            number=number,
            title="Review",
            channel="zoom",
            state="scheduled",
            parent=next(iter(parents), None),
            organizer=None,
            external_ref=None,
            scheduled_date=date,
            ended_date=NO_DATE,
            modified_date=self.now,
            **STAMPS,
        )
        return row, Named(members, [], [])

    async def _change(self, what: str, one: list[Any], date: int, *links: list[str]) -> None:
        kind, number, *_, is_live = one
        before = [*one]
        if what == "restore" and not is_live:
            one[5] = True
            if kind == "meeting":
                await self._write(meetings.restore, *self._meeting(one))
            else:
                await self._write(engagements.restore, self.org, number)
        elif what == "delete" and is_live:
            one[5] = False
            if kind == "meeting":
                await self._write(meetings.delete, *self._meeting(one), self.now, "DEVU-1")
            else:
                await self._write(engagements.delete, self.org, number, self.now, "DEVU-1")
        elif what in {"date", "links"} and is_live:
            parents, members = links
            one[2] = date if what == "date" else one[2]
            if what == "links":
                one[3:5] = parents[:1] if kind == "meeting" else parents, members
            await self._update(before, one)

    async def _update(self, before: list[Any], after: list[Any]) -> None:
        if after[0] == "meeting":
            await self._write(meetings.update, self._meeting(before), self._meeting(after))
            return
        row = self._engagement(after)
        await self._write(engagements.update, self._engagement(before), row)
        await self._write(engagement_links.set_links, row.carried, "parents", after[3])
        await self._write(engagement_links.set_links, row.carried, "members", after[4])

    async def _move(self, what: str, account: int) -> None:
        if what == "deal":
            self.deal = account
            await self._write(works.update, self._deal())
        elif what == "rev_org":
            self.rev_orgs[1] = account
            await self._write(rev_orgs.update, self._rev_org(1))
        elif what == "person":
            self.people["REVU-1"] = 1 + account % 2
            await self._write(users.update, self._person("REVU-1"))
        else:
            self.people["REVU-2"] = None
            await self._write(users.leave_rev_orgs, self.org, ["REVU-2"])

    def rhythms(self) -> dict[int, Rhythm]:
        """What a scan finds."""
        dates: dict[int, list[int]] = defaultdict(list)
        for _, _, date, parents, members, is_live in self.made:
            if is_live and date > NO_DATE:
                for account in {self._account_of(name) for name in (*parents, *members)} - {None}:
                    dates[account].append(date)
        return {account: self._rhythm(dates[account]) for account in ACCOUNTS}

    def _account_of(self, name: str) -> Any:
        if name.startswith("ACC-"):
            return int(name[4:])
        if name == "OPP-1":
            return self.deal
        rev_org = self.people.get(name)
        return rev_org and self.rev_orgs[rev_org]

    def _rhythm(self, dates: list[int]) -> Rhythm:
        past = [date for date in dates if date <= self.now]
        return Rhythm(
            max(past, default=NO_DATE),
            min((date for date in dates if date > self.now), default=NO_DATE),
            len([date for date in past if date > self.now - 30 * DAY]),
        )

    async def listed(
        self, sorts: tuple[Sort, ...], ranges: list[Between], *, back: bool
    ) -> list[int]:
        """The numbers of all accounts in an order, page by page."""
        seen: list[list[int]] = []
        cursor: Cursor | None = None
        while not seen or cursor is not None:
            parts = accounts.listed(self.org, sorts, ranges, self.now)
            walk = Walk(sorts, cursor, back, 1)
            page = await query.page_of(self.tx, parts, walk)
            seen.append([row.number for row in page.rows])
            cursor = page.prev if back else page.next
        return [number for page in (seen[::-1] if back else seen) for number in page]


async def _scenario(tx: Tx, org: str, steps: list[Any]) -> None:
    world = World(tx, org)
    await world.begin()
    for passed, step in steps:
        world.now += passed
        await world.do(step)
        found = await touches.rhythms(tx, org, ACCOUNTS, world.now)
        assert found == world.rhythms(), step
    world.now += 2 * DAY
    await touches.settle(tx, now=world.now, most=9)
    assert await touches.rhythms(tx, org, ACCOUNTS, world.now) == world.rhythms()
    # What the doctor asks.
    assert await touches.wrong(tx) == []  # type: ignore[arg-type]


@settings(max_examples=60)
@given(steps=steps)
def test_what_is_kept_of_touches_is_what_a_scan_finds(store: Engine, steps: list[Any]) -> None:
    store.write(lambda tx: _scenario(tx, store.new_org(), steps))


FIELDS = {
    "last_engagement": "last_date",
    "next_engagement": "next_date",
    "engagements_last_30_days": "recent",
}


@settings(max_examples=40)
@given(
    steps=st.lists(made, max_size=6),
    sorts=st.lists(
        st.builds(Sort, st.sampled_from([*FIELDS, "display_name"]), st.booleans()),
        min_size=1,
        max_size=2,
        unique_by=lambda sort: sort.field,
    ).map(tuple),
    passed=st.sampled_from((0, 3 * DAY, 40 * DAY)),
    bounds=st.dictionaries(
        st.sampled_from([*FIELDS]), st.tuples(st.none() | st.just(-1), st.just(START)), max_size=2
    ),
    back=st.booleans(),
    few=st.sampled_from((0, 5_000)),
)
def test_accounts_are_in_the_order_of_their_touches_at_any_moment(
    store: Engine,
    steps: list[Any],
    sorts: tuple[Sort, ...],
    passed: int,
    bounds: dict[str, tuple[int | None, int]],
    *,
    back: bool,
    few: int,
) -> None:
    async def scenario(tx: Tx) -> tuple[World, list[int]]:
        world = World(tx, store.new_org())
        await world.begin()
        for step in steps:
            await world.do(step)
        # One is settled, the others are reckoned where time has passed.
        world.now += passed
        await touches.settle(tx, now=world.now, most=1)
        ranges = [Between(name, *ends) for name, ends in bounds.items()]
        return world, await world.listed(sorts, ranges, back=back)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(query, "_RARE", few)
        world, seen = store.write(scenario)
    rhythms = world.rhythms()

    def value(number: int, field: str) -> Any:
        if field == "display_name":
            return number
        return getattr(rhythms[number], FIELDS[field])

    def is_within(number: int, name: str, after: int | None, before: int) -> bool:
        found = value(number, name)
        return bool((after is None or found > after) and found < before and found != NO_DATE)

    wanted = [
        number
        for number in ACCOUNTS
        if all(is_within(number, name, *ends) for name, ends in bounds.items())
    ]
    if sorts[-1].descending:
        wanted.reverse()
    for sort in reversed(sorts):
        wanted.sort(key=partial(value, field=sort.field), reverse=sort.descending)
    assert seen == wanted

"""engagements.summarize and meetings.summarize: what matches, by one key or two."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")
PAST, LATER, AHEAD = (
    "2023-01-01T12:00:00.000Z",
    "2023-03-05T12:00:00.000Z",
    "2199-01-01T00:00:00.000Z",
)


@pytest.fixture
def world(alice: Client) -> World:
    made = make_world(alice)
    alice.ok("engagements.delete", {"id": made.engagement["id"]})
    return made


def _groups(client: Client, family: str = "engagements", **fields: Any) -> list[Any]:
    """All groups, page by page."""
    found: list[Any] = []
    while True:
        page = client.ok(f"{family}.summarize", fields)
        found += page["groups"]
        if "next_cursor" not in page:
            return found
        fields["cursor"] = page["next_cursor"]


def _counts(groups: list[Any]) -> dict[tuple[str, ...], int]:
    return {tuple(group["by"].values()): group["count"] for group in groups}


def test_a_group_has_its_count_the_first_the_last_and_the_next(alice: Client, world: World) -> None:
    account, work = world.account["id"], world.opportunity["id"]
    for date in (LATER, PAST, AHEAD):
        alice.engagement(parent=account, scheduled_date=date)
    undated = alice.engagement(parents=[account, work])
    alice.ok("engagements.update", {"id": undated["id"], "scheduled_date": None})
    dates = {"first": PAST, "last": LATER, "next": AHEAD}
    assert _groups(alice, group_by=["account"]) == [
        {"by": {"account": account}, "count": 4, **dates}
    ]
    assert _groups(alice, group_by=["opportunity"]) == [{"by": {"opportunity": work}, "count": 1}]


def test_each_key_groups_by_its_values_and_two_by_both(alice: Client, world: World) -> None:
    user = alice.ok("dev-users.self")["dev_user"]["id"]
    rev, tag = world.rev_user["id"], world.tag["id"]
    alice.engagement(members=[user, rev], engagement_type="call", tags=[{"id": tag}])
    alice.engagement(engagement_type="email")
    wanted: dict[str, dict[tuple[str, ...], int]] = {
        "created_by": {(user,): 2},
        "member": {(user,): 2, (rev,): 1},
        "tag": {(tag,): 1},
        "type": {("call",): 1, ("email",): 1},
    }
    for key, counts in wanted.items():
        assert _counts(_groups(alice, group_by=[key])) == counts, key
    both = _counts(_groups(alice, group_by=["member", "type"]))
    assert both == {("call", user): 1, ("email", user): 1, ("call", rev): 1}
    assert _counts(_groups(alice, group_by=["type"], members=[rev])) == {("call",): 1}
    assert _counts(_groups(alice, group_by=["type"], tags=["TAG-99"])) == {}


def test_days_weeks_and_months_are_those_of_the_time_zone(alice: Client) -> None:
    # In Berlin the first is on the Monday after the clocks went forward, the second before it.
    for date in ("2026-03-29T22:30:00Z", "2026-03-28T22:30:00Z", "2026-03-31T22:00:00Z"):
        alice.engagement(scheduled_date=date)
    zone: dict[str, Any] = {"time_zone": "Europe/Berlin", "sort_by": ["count:desc"]}
    days = _counts(_groups(alice, group_by=["day"], **zone))
    assert days == {("2026-03-28",): 1, ("2026-03-30",): 1, ("2026-04-01",): 1}
    weeks = _counts(_groups(alice, group_by=["week"], **zone))
    assert weeks == {("2026-03-30",): 2, ("2026-03-23",): 1}
    assert _counts(_groups(alice, group_by=["month"], **zone)) == {
        ("2026-03",): 2,
        ("2026-04",): 1,
    }
    assert _counts(_groups(alice, group_by=["month"])) == {("2026-03",): 3}


def test_the_ends_of_time_have_their_days_too(alice: Client) -> None:
    ends = ("0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z")
    for date in ends:
        alice.engagement(scheduled_date=date)
    found = _groups(alice, group_by=["day"], sort_by=["day:asc"])
    days = [group["by"]["day"] for group in found]
    assert days == ["0001-01-01", "1969-12-31", "9999-12-31"]
    for zone in ("America/New_York", "Pacific/Kiritimati"):
        assert len(_groups(alice, group_by=["month"], time_zone=zone)) == 3


def test_rolled_up_an_account_has_what_its_opportunities_and_contacts_have(
    alice: Client, world: World
) -> None:
    other = alice.ok("accounts.create", {"display_name": "Globex"})["account"]["id"]
    account, work, rev = (one["id"] for one in (world.account, world.opportunity, world.rev_user))
    alice.engagement(parents=[account, work], members=[rev])
    alice.engagement(parent=work)
    alice.engagement(members=[rev], parent=other)
    assert _counts(_groups(alice, group_by=["account"])) == {(account,): 1, (other,): 1}
    rolled = _counts(_groups(alice, group_by=["account"], rollup=True))
    assert rolled == {(account,): 3, (other,): 1}
    for fields in ({"parent": account}, {"parent": work}, {"members": [alice.user, rev]}):
        alice.meeting(**fields)
    found = _groups(alice, "meetings", group_by=["account"])
    assert _counts(found) == {(account,): 1}
    assert _counts(_groups(alice, "meetings", group_by=["account"], rollup=True)) == {(account,): 3}


def test_meetings_have_their_own_keys(alice: Client, world: World) -> None:
    user = alice.ok("dev-users.self")["dev_user"]["id"]
    tags = [{"id": world.tag["id"]}]
    alice.meeting(scheduled_date=PAST, tags=tags, parent=world.opportunity["id"])
    alice.meeting(channel="teams", state="completed")
    wanted: dict[str, dict[tuple[str, ...], int]] = {
        "channel": {("zoom",): 1, ("teams",): 1},
        "state": {("scheduled",): 1, ("completed",): 1},
        "created_by": {(user,): 2},
        "member": {(user,): 2},
        "opportunity": {(world.opportunity["id"],): 1},
        "tag": {(world.tag["id"],): 1},
        "week": {("2022-12-26",): 1},
    }
    for key, counts in wanted.items():
        assert _counts(_groups(alice, "meetings", group_by=[key])) == counts, key


def test_groups_are_sorted_by_any_and_every_one_comes_on_one_page(alice: Client) -> None:
    accounts = [
        alice.ok("accounts.create", {"display_name": f"A{n}"})["account"]["id"] for n in range(11)
    ]
    for place, account in enumerate(accounts):
        for _ in range(1 + place % 3):
            alice.engagement(parent=account, scheduled_date=f"2023-02-{place + 1:02}T00:00:00Z")
    by_last = _groups(alice, group_by=["account"], sort_by=["last:desc"], limit=4)
    assert [group["by"]["account"] for group in by_last] == accounts[::-1]
    by_key = _groups(alice, group_by=["account"], sort_by=["account:asc"], limit=3)
    assert [group["by"]["account"] for group in by_key] == accounts
    most = _groups(alice, group_by=["account"], limit=2)
    ordered = sorted(range(11), key=lambda place: (-(1 + place % 3), place))
    assert [group["by"]["account"] for group in most] == [accounts[place] for place in ordered]
    two = _groups(alice, group_by=["day", "account"], sort_by=["count:asc", "day:desc"], limit=5)
    assert len(two) == 11
    page = alice.ok("engagements.summarize", {"group_by": ["account"], "limit": 2})
    other = {"group_by": ["type"], "cursor": page["next_cursor"]}
    alice.refused("engagements.summarize", other, "invalid_field", "cursor")


@pytest.mark.parametrize(
    ("fields", "type_", "field_name"),
    [
        ({}, "missing_required_field", "group_by"),
        ({"group_by": []}, "value_not_permitted", "group_by"),
        ({"group_by": ["day", "type", "tag"]}, "value_not_permitted", "group_by"),
        ({"group_by": ["day", "week"]}, "value_not_permitted", "group_by"),
        ({"group_by": ["nothing"]}, "invalid_enum_value", "group_by[0]"),
        ({"group_by": ["day"], "time_zone": "Mars/Olympus"}, "value_not_permitted", "time_zone"),
        ({"group_by": ["day"], "time_zone": "../etc/passwd"}, "value_not_permitted", "time_zone"),
        ({"group_by": ["day"], "time_zone": ""}, "value_not_permitted", "time_zone"),
        ({"group_by": ["day"], "sort_by": ["type:asc"]}, "value_not_permitted", "sort_by[0]"),
        ({"group_by": ["day"], "limit": 0}, "value_not_permitted", "limit"),
        ({"group_by": ["day"], "limit": 101}, "value_not_permitted", "limit"),
        ({"group_by": ["day"], "cursor": "nonsense"}, "invalid_field", "cursor"),
    ],
)
def test_what_can_not_be_summed_up_is_refused(
    alice: Client, fields: Any, type_: str, field_name: str
) -> None:
    alice.refused("engagements.summarize", fields, type_, field_name)


def test_a_query_asks_the_same_and_another_org_sees_nothing(alice: Client, charlie: Client) -> None:
    alice.engagement(engagement_type="call")
    query = {"group_by": "type,month", "time_zone": "Asia/Kathmandu", "sort_by": "count:asc"}
    wanted = [{"by": {"type": "call", "month": "2023-01"}, "count": 1}]
    answer = alice.get("engagements.summarize", query).body["groups"]
    assert [{"by": one["by"], "count": one["count"]} for one in answer] == wanted
    assert charlie.get("engagements.summarize", query).body == {"groups": []}


def test_deleted_ones_take_the_scope_for_them(alice: Client) -> None:
    made = alice.engagement()
    alice.ok("engagements.delete", {"id": made["id"]})
    assert _groups(alice, group_by=["type"]) == []
    assert _counts(_groups(alice, group_by=["type"], deleted=True)) == {("default",): 1}
    reader = alice.server.make_user(alice, scope="engagement:read")
    asked = {"group_by": ["type"], "deleted": True}
    assert reader.call("engagements.summarize", asked).status == 403

"""engagements.create: everything that is written comes back as it was written. What is refused is in test_refusals.py."""

from typing import Any

import pytest

from tests.support.server import Client


def account(client: Client, name: str = "Northwind") -> Any:
    return client.ok("accounts.create", {"display_name": name})["account"]


def opportunity(client: Client, account_id: str) -> Any:
    request = {
        "type": "opportunity", "title": "Renewal", "applies_to_part": "PROD-1", "owned_by": [client.user],
        "account": account_id,
    }  # fmt: skip
    return client.ok("works.create", request)["work"]


def test_the_documentations_own_example_answers_as_documented(alice: Client) -> None:
    made = alice.engagement(description="Notes")
    assert made["created_by"] == made["modified_by"]
    assert made["created_by"]["type"] == "dev_user"
    assert {"display_id", "id", "display_name", "email", "state"} <= set(made["created_by"])
    assert made["display_id"] == "ENGAGEMENT-1"
    assert made["id"].endswith(":engagement/1")
    assert made["created_date"] == made["modified_date"]
    assert made["created_date"].endswith("Z")
    assert made["scheduled_date"] == "2023-01-01T12:00:00.000Z"
    assert made["description"] == "Notes"
    assert made["engagement_type"] == "default"
    assert None not in made.values()


def test_every_field_is_found_again(alice: Client) -> None:
    ana = alice.ok("rev-users.create", {"display_name": "Ana"})["rev_user"]
    customer = account(alice)
    deal = opportunity(alice, customer["id"])
    mood = alice.ok("tags.create", {"name": "mood", "allowed_values": ["good"]})["tag"]
    hot = alice.ok("tags.create", {"name": "hot"})["tag"]
    made = alice.engagement(
        members=[alice.user, ana["display_id"]],
        engagement_type="linked_in",
        external_ref="crm-1",
        external_url="https://example.com/a?b=c#d",
        parent=customer["display_id"],
        parents=[deal["id"]],
        tags=[{"id": mood["id"], "value": "good"}, {"id": hot["display_id"]}],
    )
    me = alice.ok("dev-users.self")["dev_user"]["id"]
    assert made["members"] == [me, ana["id"]]
    assert made["engagement_type"] == "linked_in"
    assert (made["external_ref"], made["external_url"]) == ("crm-1", "https://example.com/a?b=c#d")
    assert (made["parent"], made["parents"]) == (customer["id"], [customer["id"], deal["id"]])
    assert (made["tags"], made["tag_values"]) == ([mood["id"], hot["id"]], {mood["id"]: "good"})
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == made


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("2023-01-01T12:00:00.000Z", "2023-01-01T12:00:00.000Z"),
        ("2023-01-01T12:00:00+05:30", "2023-01-01T06:30:00.000Z"),
        ("2023-01-01t12:00:00z", "2023-01-01T12:00:00.000Z"),
        ("2023-01-01T12:00:00.5Z", "2023-01-01T12:00:00.500Z"),
        ("2023-01-01T12:00:00.123456Z", "2023-01-01T12:00:00.123456Z"),
        ("2023-01-01T12:00:00.123456999-01:00", "2023-01-01T13:00:00.123456Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
    ],
)
def test_dates_come_out_in_utc(sent: str, answered: str, alice: Client) -> None:
    assert alice.engagement(scheduled_date=sent)["scheduled_date"] == answered


@pytest.mark.parametrize(
    "text",
    [" padded ", "cafe\u0301", "\u200b", "e\r\n\tf", '"quoted" \\ /', "\U0001f600" * 256, "\u202eRTL", "<b>&amp;"],
)
def test_text_comes_back_exactly_as_written(text: str, alice: Client) -> None:
    made = alice.engagement(title=text, description=text * 3, external_ref=text)
    found = alice.ok("engagements.get", {"id": made["id"]})["engagement"]
    assert (found["title"], found["description"], found["external_ref"]) == (text, text * 3, text)


def test_duplicates_count_once_at_their_first_place(alice: Client) -> None:
    first, second = account(alice), account(alice, "Blue Harbor")
    hot = alice.ok("tags.create", {"name": "hot"})["tag"]["id"]
    made = alice.engagement(
        members=[alice.user, alice.user.lower()], parent=second["id"], parents=[first["id"], second["display_id"]],
        tags=[{"id": hot}, hot],
    )  # fmt: skip
    assert len(made["members"]) == len(made["tags"]) == 1
    assert made["parents"] == [second["id"], first["id"]]


def test_fifty_members_and_the_longest_texts_are_taken(alice: Client) -> None:
    members = [alice.ok("rev-users.create", {"display_name": "x"})["rev_user"]["id"] for _ in range(50)]
    made = alice.engagement(
        members=members, title="x" * 256, description="\u00e9" * 65_536, external_ref="r" * 512,
        external_url="https://example.com/" + "u" * 2028,
    )  # fmt: skip
    assert (made["members"], len(made["description"])) == (members, 65_536)


def test_expand_turns_ids_into_summaries(alice: Client) -> None:
    customer = account(alice)
    deal = opportunity(alice, customer["id"])
    mood = alice.ok("tags.create", {"name": "mood", "allowed_values": ["good"], "style_new": {"color": "#fff"}})["tag"]
    sent = {
        "parents": [customer["id"], deal["id"]], "tags": [{"id": mood["id"], "value": "good"}],
        "expand": ["members", "parents", "tags", "artifacts"],
    }  # fmt: skip
    made = alice.engagement(**sent)
    assert [(one["type"], one["display_id"]) for one in made["members"]] == [("dev_user", alice.user)]
    assert [(one["type"], one["id"]) for one in made["parents"]] == [
        ("account", customer["id"]),
        ("opportunity", deal["id"]),
    ]
    assert made["parent"] == made["parents"][0]
    assert made["parents"][1]["account"]["id"] == customer["id"]
    assert [(one["tag"]["name"], one["value"]) for one in made["tags"]] == [("mood", "good")]
    everything = "members,parents,tags,artifacts"
    assert alice.get("engagements.get", {"id": made["id"], "expand": everything}).body["engagement"] == made
    assert alice.call("engagements.get", {"id": made["id"]}, x_rapport_expand=everything).body["engagement"] == made
    assert alice.get("engagements.list", {"expand": everything}).body["engagements"] == [made]
    plain = alice.ok("engagements.get", {"id": made["id"]})["engagement"]
    assert plain["members"] == [one["id"] for one in made["members"]]
    refused = alice.call("engagements.get", {"id": made["id"]}, x_rapport_expand="everything")
    assert (refused.status, refused.type) == (400, "invalid_enum_value")


def test_a_name_that_changes_changes_in_what_was_written_before(alice: Client) -> None:
    bob = alice.server.make_user(alice)
    made = bob.engagement()
    alice.server.run("users deactivate", user=bob.user, org=alice.org)
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"]["created_by"]["state"] == "deactivated"

"""What webhooks were told, and what they answered, once it is purged or erased."""

from typing import Any

from tests.support.hooks import Hook, Hooks
from tests.support.rows import rows_of

NAME = "Zelda Quirrell"


def _echoing(hooks: Hooks, *event_types: str) -> Hook:
    hook = hooks.make(event_types=[*event_types])
    hook.plan("echo")
    return hook


def _attempts(hook: Hook) -> str:
    client: Any = hook.client
    return str(rows_of(client.server, client.org)["webhook_attempts"])


def test_a_purged_engagement_is_in_no_webhooks_log(hooks: Hooks) -> None:
    alice = hooks.client
    hook = _echoing(hooks, "engagement_created", "engagement_purged")
    made = alice.engagement(title=NAME)
    kept = alice.engagement(title="Kept")
    assert {one["object"] for one in hook.settled(2)} == {made["id"], kept["id"]}
    assert NAME in _attempts(hook)
    alice.ok("engagements.delete", {"id": made["id"]})
    alice.ok("engagements.purge", {"id": made["id"]})
    told = hook.settled(2)
    assert [one["event_type"] for one in told] == ["engagement_created", "engagement_purged"]
    assert NAME not in _attempts(hook)
    ids = {"display_id": made["display_id"], "id": made["id"]}
    assert hook.got_all()[-1].body["engagement_purged"] == {"engagement": ids}


def test_what_receivers_answered_of_an_erased_person_is_gone(hooks: Hooks) -> None:
    alice = hooks.client
    hook = _echoing(hooks, "rev_user_created", "user_erased")
    made = alice.ok("rev-users.create", {"display_name": NAME})["rev_user"]
    hook.settled(1)
    assert NAME in _attempts(hook)
    alice.ok("users.erase", {"id": made["id"], "reason": "Article 17"})
    hook.settled(2)
    assert NAME not in _attempts(hook)
    told = hook.got_all()[-1].body["user_erased"]["user"]
    assert (told["id"], told["reason"]) == (made["id"], "Article 17")

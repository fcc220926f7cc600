"""What webhooks hear of an engagement that is restored."""

from tests.support.hooks import Hooks


def test_who_does_not_name_restored_is_told_of_a_change(hooks: Hooks) -> None:
    alice = hooks.client
    knows = hooks.make(event_types=["engagement_restored", "engagement_updated"])
    knows_three = hooks.make(event_types=["engagement_updated"])
    made = alice.engagement()
    alice.ok("engagements.delete", {"id": made["id"]})
    now = alice.ok("engagements.restore", {"id": made["id"]})["engagement"]
    for hook, type_ in ((knows, "engagement_restored"), (knows_three, "engagement_updated")):
        assert [one["event_type"] for one in hook.settled(1)] == [type_]
        told = hook.got_all()[-1].body
        assert (told["type"], told[type_]["engagement"]) == (type_, now)

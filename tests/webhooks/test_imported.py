"""What webhooks hear of an engagement that was brought from elsewhere."""

from tests.support.hooks import Hooks


def test_they_are_told_that_it_was_imported(hooks: Hooks) -> None:
    alice = hooks.client
    hook = hooks.make(event_types=["engagement_created"])
    importer = alice.server.make_user(alice, role="admin", scope="import all")
    importer.engagement(members=[alice.user], created_date="2019-01-01T00:00:00Z")
    assert [one["event_type"] for one in hook.settled(1)] == ["engagement_created"]
    assert hook.got_all()[-1].body["imported"] is True

"""What an org consists of, in an order in which each thing comes after those that it refers to."""

from typing import NamedTuple

from rapport.contract.kit import ids


class Family(NamedTuple):
    """A family as it goes out and comes in.

    Args:
        name: of its file, and of the array in the answers of its list.
        one: of one object in an answer.
        methods: what its methods' names begin with.
        kind: of its objects' ids.
        keeps_deleted: what is deleted can be listed.
        held: it is listed object by object.
    """

    name: str
    one: str
    methods: str
    kind: ids.Kind
    keeps_deleted: bool = False
    held: bool = False


FAMILIES = (
    Family("artifacts", "artifact", "artifacts", ids.ARTIFACT),
    Family("dev_users", "dev_user", "dev-users", ids.DEV_USER),
    Family("tags", "tag", "tags", ids.TAG),
    Family("accounts", "account", "accounts", ids.ACCOUNT),
    Family("rev_orgs", "rev_org", "rev-orgs", ids.REV_ORG),
    Family("rev_users", "rev_user", "rev-users", ids.REV_USER),
    Family("works", "work", "works", ids.OPPORTUNITY),
    Family("engagements", "engagement", "engagements", ids.ENGAGEMENT, keeps_deleted=True),
    Family("meetings", "meeting", "meetings", ids.MEETING, keeps_deleted=True),
    Family("links", "link", "links", ids.LINK, held=True),
    Family("timeline_entries", "timeline_entry", "timeline-entries", ids.COMMENT, held=True),
)
BY_NAME = {family.name: family for family in FAMILIES}
# What comments stand on, and what links begin at.
HOLDERS = {
    "timeline_entries": ("accounts", "works", "engagements", "meetings"),
    "links": ("dev_users", "accounts", "rev_orgs", "rev_users", "works", "meetings"),
}

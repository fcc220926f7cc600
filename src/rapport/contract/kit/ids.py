"""Ids: the DON that goes out, and the DON or display id that comes in (behaviour: Ids)."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple, Self

from rapport.contract.kit.errors import ApiError, InvalidId, UnexpectedIdType
from rapport.contract.kit.hosts import host_name


class Kind(NamedTuple):
    """What an id can name: `don:<service>:dvrv-us-1:devo/<org>:<segment>/<number>`, in short
    `<prefix>-<number>`.
    """

    name: str
    service: str
    segment: str
    prefix: str

    def display_id(self, number: int | str) -> str:
        """The short id, by which rows refer to each other."""
        return f"{self.prefix}-{number}"


ACCOUNT = Kind("account", "identity", "account", "ACC")
ARTIFACT = Kind("artifact", "core", "artifact", "ARTIFACT")
DEV_USER = Kind("dev_user", "identity", "devu", "DEVU")
ENGAGEMENT = Kind("engagement", "core", "engagement", "ENGAGEMENT")
LINK = Kind("link", "core", "link", "LINK")
MEETING = Kind("meeting", "core", "meeting", "MEETING")
OPPORTUNITY = Kind("opportunity", "core", "opportunity", "OPP")
REV_ORG = Kind("rev_org", "identity", "revo", "REV")
REV_USER = Kind("rev_user", "identity", "revu", "REVU")
SERVICE_ACCOUNT = Kind("service_account", "identity", "svcacc", "SVCACC")
SYS_USER = Kind("sys_user", "identity", "sysu", "SYSU")
TAG = Kind("tag", "core", "tag", "TAG")
AUTH_TOKEN = Kind("auth_token", "core", "auth_token", "TOKEN")
# These stand under the object that they are on: `…:engagement/12:comment/3`.
COMMENT = Kind("timeline_comment", "core", "comment", "COMMENT")
CHANGE_EVENT = Kind("timeline_change_event", "core", "change_event", "EVENT")
ENTRIES = (COMMENT, CHANGE_EVENT)
# It has no number: its short id ends in the org's own characters.
DEV_ORG = Kind("dev_org", "identity", "devo", "DEV")
WEBHOOK = Kind("webhook", "integration", "webhook", "WEBHOOK")
WEBHOOK_DELIVERY = Kind("webhook_delivery", "integration", "webhook_delivery", "DELIVERY")

KINDS = (
    ACCOUNT, ARTIFACT, AUTH_TOKEN, DEV_USER, ENGAGEMENT, LINK, MEETING, OPPORTUNITY, REV_ORG, REV_USER,
    SERVICE_ACCOUNT, SYS_USER, TAG, WEBHOOK, WEBHOOK_DELIVERY,
)  # fmt: skip
USERS = (DEV_USER, REV_USER, SERVICE_ACCOUNT, SYS_USER)
_BY_PREFIX = {kind.prefix: kind for kind in (*KINDS, *ENTRIES, DEV_ORG)}
_BY_SEGMENT = {kind.segment: kind for kind in ENTRIES}
_BY_PATH = {(kind.service, kind.segment): kind for kind in KINDS}
_DON = re.compile(r"don:([a-z]+):[a-z0-9-]+:devo/([A-Za-z0-9]+):([a-z_]+)/([1-9][0-9]{0,17})")
_LIKE_A_DON = re.compile(r"don:[a-z]+:[a-z0-9-]+:devo/\S+")
_UNDER = re.compile(r"(.+):(comment|change_event)/([1-9][0-9]{0,17})")
_DISPLAY = re.compile(r"([A-Za-z]+)-([1-9][0-9]{0,17})")
# What may stand in an id's place: the kinds that are found by it, and its longest text.
_NAMED_BY = {
    "domain": ((ACCOUNT,), 253),
    "email": (USERS, 256),
    "ref": ((ACCOUNT, COMMENT, ENGAGEMENT, MEETING, OPPORTUNITY, REV_ORG, REV_USER), 2_048),
}
_NAME = re.compile(f"({'|'.join(_NAMED_BY)}):(.+)", re.DOTALL)


def don(kind: Kind, org: str, number: int | str) -> str:
    """The id as it goes out."""
    return f"don:{kind.service}:dvrv-us-1:devo/{org}:{kind.segment}/{number}"


def number_of(display_id: str) -> int:
    """The number of a display id that the store holds."""
    return int(display_id.rpartition("-")[2])


def numbers_of(kind: Kind, display_ids: Iterable[str]) -> list[int]:
    """The numbers of those display ids that are of a kind."""
    return [number_of(one) for one in display_ids if kind_of(one) is kind]


def path(holder: str, own: str) -> str:
    """The display id of what is on an object, behind that of the object."""
    return f"{holder}:{own}"


def own_of(display_id: str) -> str:
    """The last of a path: what is on an object, without that object."""
    return display_id.rpartition(":")[2]


def event_don(org: str, webhook: int, number: int) -> str:
    """The id of what a webhook is told by its delivery with this number, as DevRev writes it."""
    return f"{don(WEBHOOK, org, webhook)}:event/{number}"


def short(id_: str) -> str:
    """The display id of an id that the store holds, which may be a DON; of a comment with that of
    its object.
    """
    if not id_.startswith("don:"):
        return id_
    parts = id_.split(":")
    segment, _, number = parts[4].partition("/")
    found = _BY_PATH[parts[1], segment].display_id(number)
    for own in parts[5:]:
        segment, _, number = own.partition("/")
        found = path(found, _BY_SEGMENT[segment].display_id(number))
    return found


def is_don(text: str) -> bool:
    """True for a text that has the form of a DON, of whatever kind."""
    return _LIKE_A_DON.fullmatch(text) is not None


def org_don(org: str) -> str:
    """A dev org's id."""
    return f"don:identity:dvrv-us-1:devo/{org}"


def org_display_id(org: str) -> str:
    """A dev org's display id."""
    return DEV_ORG.display_id(org)


def org_of(text: str) -> str:
    """The org that a dev org's id or display id names; a bare one as it is."""
    return text.rpartition("/")[2].removeprefix(DEV_ORG.display_id(""))


def don_of(display_id: str, org: str) -> str:
    """The DON of a display id that the store holds, such as `DEVU-12`, or
    `ENGAGEMENT-12:COMMENT-3` for what is on it.
    """
    if ":" in display_id:
        holder, _, own = display_id.rpartition(":")
        prefix, _, number = own.rpartition("-")
        return f"{don_of(holder, org)}:{_BY_PREFIX[prefix].segment}/{number}"
    prefix, _, number = display_id.rpartition("-")
    return org_don(org) if prefix == DEV_ORG.prefix else don(_BY_PREFIX[prefix], org, number)


def kind_of(display_id: str) -> Kind:
    """The kind of a display id that the store holds."""
    return _BY_PREFIX[display_id.rpartition("-")[0]]


class Name(NamedTuple):
    """What stands in an id's place (ours): an address, an external ref, a domain.

    Args:
        scheme: which of these.
        value: the text behind the scheme.
        kinds: what may be found by it.
    """

    scheme: str
    value: str
    kinds: tuple[Kind, ...]


def _name(text: str, kinds: tuple[Kind, ...]) -> Name:
    """Read what stands in an id's place.

    Raises:
        ValueError: it is nothing that one of these kinds is found by.
    """
    if (found := _NAME.fullmatch(text)) is None:
        raise ValueError(text)
    scheme, value = found[1], found[2]
    named, longest = _NAMED_BY[scheme]
    findable = tuple(kind for kind in named if kind in kinds)
    if not findable or len(value) > longest:
        raise ValueError(text)
    return Name(scheme, host_name(value) if scheme == "domain" else value, findable)


class Id:
    """An id in a request, read but not looked up. Subclasses say which kinds their field takes.

    One that is a `name` leads to nothing, number 0 of a kind, until `lead_to` says otherwise.
    """

    __slots__ = ("display_id", "kind", "name", "number", "org", "text")
    kinds: ClassVar[tuple[Kind, ...]] = KINDS

    def __init__(
        self, kind: Kind, number: int, org: str | None, text: str, name: Name | None = None
    ) -> None:
        self.kind = kind
        self.number = number
        self.org = org
        self.text = text
        self.name = name
        self.display_id = kind.display_id(number)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a DON, a display id in any case, or a name.

        Raises:
            ValueError: malformed, or of a kind that is not in `kinds`.
        """
        if found := _DISPLAY.fullmatch(text):
            kind, org = _BY_PREFIX.get(found[1].upper()), None
            number = found[2]
        elif found := _DON.fullmatch(text):
            kind, org = _BY_PATH.get((found[1], found[3])), found[2]
            number = found[4]
        else:
            name = _name(text, cls.kinds)
            return cls(name.kinds[0], 0, None, text, name)
        if kind not in cls.kinds:
            raise ValueError(text)
        return cls(kind, int(number), org, text)

    @classmethod
    def problem(cls, text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused."""
        known = (found := _DISPLAY.fullmatch(text)) and found[1].upper() in _BY_PREFIX
        allowed = [kind.name for kind in cls.kinds]
        if known or _DON.fullmatch(text):
            return UnexpectedIdType(
                f"{field_name}: {text[:80]!r} is not the id of {_one_of(allowed)}.",
                detail="Give an id of an allowed type.",
                field_name=field_name,
                value=text,
                allowed_types=allowed,
            )
        return InvalidId(
            f"{field_name}: {text[:80]!r} is not an id.",
            detail=f"Give a DON or a display id such as {cls.kinds[0].display_id(1)}.",
            field_name=field_name,
        )

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """The JSON Schema of the field."""
        return {
            "type": "string",
            "format": "id",
            "examples": [kind.display_id(12345) for kind in cls.kinds],
        }

    @property
    def what(self) -> str:
        """What it should lead to, in words."""
        return self.kind.name if self.name is None else _one_of([k.name for k in self.name.kinds])

    def lead_to(self, display_id: str | None) -> None:
        """Say what its name stands for; None: nothing."""
        assert self.name is not None  # noqa: S101  # only what is a name leads elsewhere
        self.kind = self.name.kinds[0] if display_id is None else kind_of(display_id)
        self.number = 0 if display_id is None else number_of(display_id)
        self.display_id = self.kind.display_id(self.number)

    def belongs_to(self, org: str) -> bool:
        """False when the id names another org's object; a display id is always the caller's own."""
        return self.org is None or self.org == org

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Id) and (self.display_id, self.org) == (
            other.display_id,
            other.org,
        )

    def __hash__(self) -> int:
        return hash(self.display_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


def _one_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


class AccountId(Id):
    """An account."""

    __slots__ = ()
    kinds = (ACCOUNT,)


class ArtifactId(Id):
    """An artifact."""

    __slots__ = ()
    kinds = (ARTIFACT,)


class DevUserId(Id):
    """A dev user."""

    __slots__ = ()
    kinds = (DEV_USER,)


class EngagementId(Id):
    """An engagement."""

    __slots__ = ()
    kinds = (ENGAGEMENT,)


class LinkId(Id):
    """A link."""

    __slots__ = ()
    kinds = (LINK,)


class LinkEndpointId(Id):
    """What a link can join."""

    __slots__ = ()
    kinds = (ACCOUNT, DEV_USER, MEETING, OPPORTUNITY, REV_ORG, REV_USER)


class MeetingId(Id):
    """A meeting."""

    __slots__ = ()
    kinds = (MEETING,)


class OpportunityId(Id):
    """A work; opportunities are the only ones here."""

    __slots__ = ()
    kinds = (OPPORTUNITY,)


class ParentId(Id):
    """What an engagement or a meeting can belong to."""

    __slots__ = ()
    kinds = (ACCOUNT, OPPORTUNITY)


class RevOrgId(Id):
    """A rev org."""

    __slots__ = ()
    kinds = (REV_ORG,)


class RevUserId(Id):
    """A rev user."""

    __slots__ = ()
    kinds = (REV_USER,)


class ServiceAccountId(Id):
    """A service account."""

    __slots__ = ()
    kinds = (SERVICE_ACCOUNT,)


class TagId(Id):
    """A tag."""

    __slots__ = ()
    kinds = (TAG,)


class TokenHolderId(Id):
    """A user that may hold tokens."""

    __slots__ = ()
    kinds = (DEV_USER, SERVICE_ACCOUNT)


class UserId(Id):
    """Any user: dev, rev, service account, sys user."""

    __slots__ = ()
    kinds = USERS


class PersonId(Id):
    """A person: a dev or a rev user."""

    __slots__ = ()
    kinds = (DEV_USER, REV_USER)


class TimelineObjectId(Id):
    """What has a timeline."""

    __slots__ = ()
    kinds = (ENGAGEMENT, ACCOUNT, MEETING, OPPORTUNITY)


class TimelineEntryId(Id):
    """A comment, or a change event. `holder` is the display id of the object that a DON puts it
    under.
    """

    __slots__ = ("holder",)
    kinds: ClassVar[tuple[Kind, ...]] = ENTRIES
    holder: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a DON, or a display id in any case.

        Raises:
            ValueError: malformed, or of another kind.
        """
        if found := _UNDER.fullmatch(text):
            under = TimelineObjectId.parse(found[1])
            if under.org is None:
                raise ValueError(text)
            id_ = cls(_BY_SEGMENT[found[2]], int(found[3]), under.org, text)
            id_.holder = under.display_id
        else:
            id_ = super().parse(text)
            id_.holder = None
        return id_

    def is_on(self, holder: str) -> bool:
        """False when the id puts the entry under another object than this one."""
        return self.holder is None or self.holder == holder


class ArtifactParentId(TimelineEntryId):
    """What artifacts are attached to."""

    __slots__ = ()
    kinds = (*KINDS, COMMENT)


class AssociationId(Id):
    """What a rev user can belong to."""

    __slots__ = ()
    kinds = (ACCOUNT, REV_ORG)


class AuthTokenId(Id):
    """An auth token."""

    __slots__ = ()
    kinds = (AUTH_TOKEN,)


class WebhookId(Id):
    """A webhook."""

    __slots__ = ()
    kinds = (WEBHOOK,)


class WebhookDeliveryId(Id):
    """A delivery to a webhook."""

    __slots__ = ()
    kinds = (WEBHOOK_DELIVERY,)


class FetchableId(Id):
    """What a webhook can be sent anew."""

    __slots__ = ()
    kinds = (
        ACCOUNT,
        ARTIFACT,
        DEV_USER,
        ENGAGEMENT,
        LINK,
        MEETING,
        OPPORTUNITY,
        REV_ORG,
        REV_USER,
        TAG,
        WEBHOOK,
    )

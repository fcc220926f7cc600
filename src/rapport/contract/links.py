"""The links family: how accounts, opportunities, meetings, rev orgs and people hang together."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.kit.errors import InvalidId, NotFound
from rapport.contract.kit.fields import (
    UNSET,
    CursorField,
    Limit,
    ListResponse,
    Many,
    ModeField,
    Opaque,
    Request,
    Response,
    UnsetType,
)
from rapport.contract.kit.ids import LinkEndpointId, LinkId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.meetings import MeetingSummary
from rapport.contract.users import (
    AccountSummary,
    Atom,
    DevUserSummary,
    RevOrgSummary,
    RevUserSummary,
)
from rapport.contract.works import OpportunitySummary

LinkType = Literal[
    "custom_link", "developed_with", "imports", "is_analyzed_by", "is_converted_to", "is_dependent_on",
    "is_duplicate_of", "is_follow_up_of", "is_merged_into", "is_parent_of", "is_part_of", "is_related_to", "serves",
]  # fmt: skip
EndpointType = Literal[
    "account", "article", "capability", "code_change", "conversation", "custom_object", "dev_user", "enhancement",
    "feature", "incident", "issue", "linkable", "meeting", "opportunity", "product", "rev_org", "rev_user", "runnable",
    "task", "ticket", "widget",
]  # fmt: skip
Endpoint = (
    AccountSummary
    | DevUserSummary
    | MeetingSummary
    | OpportunitySummary
    | RevOrgSummary
    | RevUserSummary
)


class CustomLinkTypeSummary(Response):
    """A custom link type: Rapport keeps none, so both ids are the text that was sent."""

    display_id: str
    id: str


class Link(Atom):
    """A link, which reads from its source to its target."""

    custom_link_type: CustomLinkTypeSummary | UnsetType = UNSET
    link_type: LinkType
    source: Endpoint
    target: Endpoint


class LinksCreateRequest(OwnTime):
    """A new link."""

    custom_link_type: Opaque | UnsetType = UNSET
    link_type: LinkType
    source: LinkEndpointId
    target: LinkEndpointId


class LinksCreateResponse(Response):
    """The link that was made."""

    link: Link


class LinksGetRequest(Request):
    """Which link."""

    id: LinkId


class LinksGetResponse(Response):
    """The link."""

    link: Link


class LinksListRequest(Request):
    """Whose links, of which types."""

    object: LinkEndpointId
    cursor: CursorField = UNSET
    direction: Annotated[
        Literal["is_source", "is_target"] | UnsetType,
        Meta(description="What the object is; without it, either."),
    ] = UNSET
    limit: Limit | UnsetType = UNSET
    link_type: Many[LinkType] | UnsetType = UNSET
    mode: ModeField = UNSET
    object_types: Annotated[
        Many[EndpointType] | UnsetType, Meta(description="What is at the link's other end.")
    ] = UNSET
    types: Annotated[Many[LinkType] | UnsetType, Meta(description="The same as `link_type`.")] = (
        UNSET
    )


class LinksListResponse(ListResponse):
    """A page of links, the newest first."""

    links: list[Link]


class LinksDeleteRequest(Request):
    """Which link."""

    id: LinkId


class LinksDeleteResponse(Response):
    """Nothing."""


class LinksReplaceRequest(Request):
    """Which link goes, and the one that comes for it."""

    id: LinkId
    link_type: LinkType
    source: LinkEndpointId
    target: LinkEndpointId


class LinksReplaceResponse(Response):
    """The link that was made; it has an id of its own."""

    link: Link


CREATE = Method(
    "links.create", WRITE, LinksCreateRequest, LinksCreateResponse, "Link two objects", "link:write", status=201,
    errors=(InvalidId,),
    example={"link_type": "is_related_to", "source": "ACC-12345", "target": "OPP-1"},
)  # fmt: skip
GET = Method(
    "links.get",
    READ,
    LinksGetRequest,
    LinksGetResponse,
    "Get a link",
    "link:read",
    errors=(NotFound,),
    example={"id": "LINK-1"},
)
LIST = Method(
    "links.list",
    READ,
    LinksListRequest,
    LinksListResponse,
    "List an object's links",
    "link:read",
    example={"object": "ACC-12345"},
)
DELETE = Method(
    "links.delete",
    WRITE,
    LinksDeleteRequest,
    LinksDeleteResponse,
    "Delete a link",
    "link:all",
    errors=(NotFound,),
    example={"id": "LINK-1"},
)
REPLACE = Method(
    "links.replace", WRITE, LinksReplaceRequest, LinksReplaceResponse, "Put a link in the place of another",
    "link:write", status=201, errors=(InvalidId,),
    example={"id": "LINK-1", "link_type": "is_part_of", "source": "OPP-1", "target": "ACC-12345"},
)  # fmt: skip

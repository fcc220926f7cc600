"""The tags family: labels, some with a list of allowed values."""

from typing import Annotated

from msgspec import Meta

from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.fields import (
    UNSET,
    UNTYPED,
    ListRequest,
    ListResponse,
    Name,
    Request,
    Response,
    SetStrings,
    Short,
    Shorts,
    TagId,
    Text,
    UnsetType,
)
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.users import Atom


class TagStyle(Request):
    """How a tag looks."""

    color: Short | UnsetType = UNSET


class TagStyleSummary(Response):
    """How a tag looks."""

    color: str | UnsetType = UNSET


class Tag(Atom):
    """A tag."""

    allowed_values: list[str] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    name: str
    style_new: TagStyleSummary | UnsetType = UNSET


class TagSummary(Response, tag_field="type", tag="tag"):
    """A tag inside another object."""

    display_id: str
    id: str
    name: str
    style_new: TagStyleSummary | UnsetType = UNSET


class TagWithValue(Response):
    """A tag on an object, with its value there."""

    tag: Annotated[TagSummary, UNTYPED]
    value: str | UnsetType = UNSET


class TagsCreateRequest(OwnTime):
    """A new tag."""

    allowed_values: Annotated[
        Shorts | UnsetType,
        Meta(description="The values that the tag may carry; without them, none."),
    ] = UNSET
    description: Text | UnsetType = UNSET
    name: Name
    style_new: TagStyle | UnsetType = UNSET


class TagsCreateResponse(Response):
    """The tag that was made."""

    tag: Tag


class TagsGetRequest(Request):
    """Which tag."""

    id: TagId


class TagsGetResponse(Response):
    """The tag."""

    tag: Tag


class TagsListRequest(ListRequest):
    """Which tags."""

    name: Shorts | UnsetType = UNSET


class TagsListResponse(ListResponse):
    """A page of tags."""

    tags: list[Tag]


class TagsUpdateRequest(Request):
    """What changes; what is absent stays."""

    id: TagId
    allowed_values: Annotated[
        SetStrings | UnsetType,
        Meta(description="A value that is taken out stays where it was set."),
    ] = UNSET
    description: Text | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    style_new: TagStyle | UnsetType = UNSET


class TagsUpdateResponse(Response):
    """The tag as it is now."""

    tag: Tag


class TagsDeleteRequest(Request):
    """Which tag. It disappears from everything that has it."""

    id: TagId


class TagsDeleteResponse(Response):
    """Nothing."""


CREATE = Method(
    "tags.create",
    WRITE,
    TagsCreateRequest,
    TagsCreateResponse,
    "Create a tag",
    "tag:write",
    status=201,
    example={"name": "renewal", "allowed_values": ["at risk", "likely", "signed"]},
)
GET = Method(
    "tags.get", READ, TagsGetRequest, TagsGetResponse, "Get a tag", "tag:read", errors=(NotFound,)
)
LIST = Method("tags.list", READ, TagsListRequest, TagsListResponse, "List tags", "tag:read")
UPDATE = Method(
    "tags.update",
    WRITE,
    TagsUpdateRequest,
    TagsUpdateResponse,
    "Change a tag",
    "tag:write",
    errors=(NotFound,),
)
DELETE = Method(
    "tags.delete",
    WRITE,
    TagsDeleteRequest,
    TagsDeleteResponse,
    "Delete a tag",
    "tag:all",
    errors=(NotFound,),
)

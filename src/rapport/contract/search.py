"""The search family: what has these words, and what begins so (behaviour: Search)."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.kit.fields import (
    UNSET,
    CursorField,
    ListResponse,
    Many,
    ModeField,
    Query,
    Request,
    Response,
    UnsetType,
    ours_values,
)
from rapport.contract.kit.method import READ, Method
from rapport.contract.meetings import MeetingSummary
from rapport.contract.tags import TagSummary
from rapport.contract.users import AccountSummary, RevOrgSummary, UserSummary
from rapport.contract.works import OpportunitySummary

Namespace = Literal[
    "account", "article", "capability", "component", "conversation", "custom_object", "custom_part", "custom_work",
    "dashboard", "dev_user", "directory", "engagement", "enhancement", "feature", "group", "issue", "linkable",
    "meeting", "microservice", "object_member", "operation", "opportunity", "product", "project", "question_answer", "rev_org",
    "rev_user", "runnable", "service_account", "sys_user", "tag", "task", "ticket", "vista", "workflow",
]  # fmt: skip
Namespaces = Annotated[
    Many[Namespace] | UnsetType,
    ours_values("engagement", "meeting"),
    Meta(description="What to look among; everything that the token may read without it. What does not exist here finds nothing."),
]  # fmt: skip
Sort = Literal["created_date", "modified_date", "relevance"]
Order = Literal["asc", "desc"]
DEFAULT_LIMIT = 20
DEFAULT_SUGGESTIONS = 10


class TimelineCommentSummary(Response):
    """A comment inside another object."""

    display_id: str
    id: str


class CommentSearchSummary(Response):
    """A comment that has what was asked for."""

    comment: TimelineCommentSummary
    created_by: UserSummary | UnsetType = UNSET
    created_date: str
    object: str
    snippet: str | UnsetType = UNSET


class _Found(Response):
    modified_date: str | UnsetType = UNSET
    snippet: Annotated[
        str | UnsetType, Meta(description="What stands around the first place that fits.")
    ] = UNSET


class _Discussed(_Found):
    comments: Annotated[
        Annotated[list[CommentSearchSummary], Meta(max_length=5)] | UnsetType,
        Meta(
            description="The newest that have what was asked for, where the object itself does not."
        ),
    ] = UNSET


class AccountSearchSummary(_Discussed, tag_field="type", tag="account"):
    """An account that was found."""

    account: AccountSummary


class OrgSearchSummary(_Found, tag_field="type", tag="org"):
    """A rev org that was found."""

    org: RevOrgSummary


class TagSearchSummary(_Found, tag_field="type", tag="tag"):
    """A tag that was found."""

    tag: TagSummary


class UserSearchSummary(_Found, tag_field="type", tag="user"):
    """A user that was found."""

    user: UserSummary


class WorkSearchSummary(_Discussed, tag_field="type", tag="work"):
    """An opportunity that was found."""

    work: OpportunitySummary


class FoundEngagement(Response, tag_field="type", tag="engagement"):
    """An engagement inside what a search answers."""

    display_id: str
    id: str
    engagement_type: str
    scheduled_date: str | UnsetType = UNSET
    title: str


class EngagementSearchSummary(_Discussed, tag_field="type", tag="engagement"):
    """An engagement that was found; strict servers find none."""

    engagement: FoundEngagement


class MeetingSearchSummary(_Discussed, tag_field="type", tag="meeting"):
    """A meeting that was found; strict servers find none."""

    meeting: MeetingSummary


SearchResult = (
    AccountSearchSummary
    | EngagementSearchSummary
    | MeetingSearchSummary
    | OrgSearchSummary
    | TagSearchSummary
    | UserSearchSummary
    | WorkSearchSummary
)


class SearchCoreRequest(Request):
    """What is asked for, in which order, from where."""

    query: Query
    cursor: CursorField = UNSET
    limit: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | UnsetType,
        Meta(description="How many at the most; 20 without it."),
    ] = UNSET
    mode: ModeField = UNSET
    namespaces: Namespaces = UNSET
    sort_by: Annotated[
        Sort | UnsetType,
        Meta(description="`relevance` without it: what has it in its name, then by its other words, then by comments; the newest first among each."),
    ] = UNSET  # fmt: skip
    sort_order: Annotated[Order | UnsetType, Meta(description="`desc` without it.")] = UNSET


class SearchCoreResponse(ListResponse):
    """A page of what was found."""

    results: list[SearchResult]


class SearchSuggestRequest(Request):
    """How a name, an address, a domain or an id begins."""

    query: Annotated[str, Meta(min_length=1, max_length=256)]
    namespaces: Namespaces = UNSET
    limit: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | UnsetType,
        Meta(description="How many at the most; 10 without it."),
    ] = UNSET


class Suggestion(Response):
    """Something to pick."""

    type: Namespace
    id: str
    display_id: str
    name: str
    detail: Annotated[
        str | UnsetType,
        Meta(description="What tells it from others: an address, a domain, a type."),
    ] = UNSET


class SearchSuggestResponse(Response):
    """What begins so, what was used last first."""

    suggestions: list[Suggestion]


CORE = Method(
    "search.core", READ, SearchCoreRequest, SearchCoreResponse,
    "Find what has these words", "search:read", heavy=True,
    example={"query": "roadmap", "limit": 3},
)  # fmt: skip
SUGGEST = Method(
    "search.suggest", READ, SearchSuggestRequest, SearchSuggestResponse,
    "Suggest what begins so", "search:read", ours=True,
    example={"query": "nor", "limit": 3},
)  # fmt: skip

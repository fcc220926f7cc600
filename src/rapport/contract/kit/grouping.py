"""What the sums of every family have: keys, a time zone, groups."""

from typing import Annotated, Self
from zoneinfo import ZoneInfo

from msgspec import Meta

from rapport.contract.kit.errors import ApiError, ValueNotPermitted
from rapport.contract.kit.fields import UNSET, Json, Response, SortByField, UnsetType

_LONGEST = 64


class TimeZone(str):
    """The name of a time zone, as the machine's time zone database has it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check that there is one of this name.

        Raises:
            ValueError: there is none.
        """
        if len(text) > _LONGEST:
            raise ValueError(text)
        try:
            ZoneInfo(text)
        except (OSError, LookupError) as error:
            raise ValueError(text) from error
        return cls(text)

    @classmethod
    def problem(cls, text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused."""
        return ValueNotPermitted(
            f"{field_name}: there is no time zone {text[:80]!r}.",
            detail="Give the name of a region, such as Europe/Berlin, or UTC.",
            field_name=field_name,
            reason="must be the name of a time zone of the IANA database",
        )

    @classmethod
    def schema(cls) -> Json:
        """The JSON Schema of the field."""
        return {"type": "string", "maxLength": _LONGEST, "examples": ["Europe/Berlin"]}


# The fields that the sums of every family take beside their filters.
RollupField = Annotated[
    bool | UnsetType,
    Meta(description="An account's own are those of its opportunities and of its contacts too."),
]
TimeZoneField = Annotated[
    TimeZone | UnsetType, Meta(description="Of days, weeks and months; UTC without it.")
]
SortSumsByField = Annotated[
    SortByField,
    Meta(
        description="`count`, `first`, `last`, `next` or a key, each `:asc` or `:desc`; "
        "`count:desc` without it."
    ),
]


class Group(Response):
    """What has the same keys."""

    by: Annotated[
        dict[str, str],
        Meta(description="The keys: ids, names, days as 2026-03-29, weeks as their Monday."),
    ]
    count: int
    first: Annotated[str | UnsetType, Meta(description="The earliest that is past.")] = UNSET
    last: Annotated[str | UnsetType, Meta(description="The latest that is past.")] = UNSET
    next: Annotated[str | UnsetType, Meta(description="The nearest that is to come.")] = UNSET


class GroupsResponse(Response):
    """A page of groups."""

    groups: list[Group]
    next_cursor: str | UnsetType = UNSET

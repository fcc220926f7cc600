"""The field types that every family shares, and the marks that say how a field may be used."""

import re
from typing import Annotated, Any, Literal, Self, TypeVar, dataclass_transform
from urllib.parse import urlsplit

from msgspec import UNSET, Meta, Raw, Struct, StructMeta, UnsetType

from rapport.clock import parse_rfc3339
from rapport.contract.kit.errors import ApiError, InvalidField, ValueNotPermitted
from rapport.contract.kit.hosts import host_name, refuse_labels
from rapport.contract.kit.ids import ArtifactId, Id, TagId
from rapport.contract.kit.seen import UNSEEN, VISIBLE

# A field marked OURS is not DevRev's. One marked DIFFERENCE is what a real client sends beside the
# documentation. RAPPORT_STRICT=1 refuses both in requests and leaves OURS out of answers.
OURS = Meta(extra={"ours": True})
DIFFERENCE = Meta(extra={"ours": True, "difference": True})
# An object whose `type` is ours there, because DevRev names it only where there are several: not in
# strict answers.
UNTYPED = Meta(extra={"untyped": True})
# A single value is taken for an array of one (a difference of real clients, so not when strict).
ONE_OR_MANY = Meta(extra={"one_or_many": True})
# Required by the documentation, and left out by real clients; strict servers insist.
OFTEN_ABSENT = Meta(extra={"often_absent": True})
# A plain array is taken for `{set: […]}` (a difference of real clients, so not when strict).
ARRAY_IS_SET = Meta(extra={"array_is_set": True})


def ours_values(*values: str) -> Meta:
    """Mark those values of an enum that are not DevRev's."""
    return Meta(extra={"ours_values": frozenset(values)})


Json = dict[str, Any]


class _KeywordOnly(StructMeta):
    # msgspec does not inherit kw_only, and the documentation's field order mixes required and
    # optional fields.
    def __new__(  # noqa: PYI034 (Self has no meaning in a metaclass)
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: Json,
        *,
        kw_only: bool = True,
        **options: Any,
    ) -> "_KeywordOnly":
        return super().__new__(mcls, name, bases, namespace, kw_only=kw_only, **options)


@dataclass_transform(kw_only_default=True)
class Request(Struct, metaclass=_KeywordOnly, forbid_unknown_fields=True, omit_defaults=True):
    """A request, as JSON or as a query."""

    @property
    def weight(self) -> int:
        """As how many requests it counts."""
        return 1


@dataclass_transform(kw_only_default=True)
class Response(Struct, metaclass=_KeywordOnly, omit_defaults=True):
    """An answer, or an object in one. Absent values are left out."""


# A + in a query is a space to whoever reads it.
_LOST_PLUS = re.compile(r"[0-9] [0-9]{2}:?[0-9]{2}$")
_PLUS = "In a query write the + of its offset as %2B, such as 2023-01-01T12:00:00%2B05:45."


class Instant(int):
    """A date-time in a request: microseconds since 1970, UTC."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an RFC 3339 date-time with an offset.

        Raises:
            ValueError: it is none.
        """
        return cls(parse_rfc3339(text))

    @classmethod
    def problem(cls, text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused."""
        return ValueNotPermitted(
            f"{field_name}: {text[:80]!r} is not a date-time with an offset.",
            detail=_PLUS
            if _LOST_PLUS.search(text)
            else "Write it as RFC 3339, such as 2023-01-01T12:00:00.000Z.",
            field_name=field_name,
            reason="must be an RFC 3339 date-time with an offset, in the years 1 to 9999",
        )

    @classmethod
    def schema(cls) -> Json:
        """The JSON Schema of the field."""
        return {"type": "string", "format": "date-time", "examples": ["2023-01-01T12:00:00.000Z"]}


# Besides what can't be seen: where one program ends a URL or its host, and another does not.
_NOT_IN_URLS = re.compile(r"[\\<>\"^`\s\x00-\x20\x7f-\x9f\ufeff]")


class HttpUrl(str):
    """An absolute http(s) URL, up to 2,048 characters, kept as written."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check that it is one.

        Raises:
            ValueError: it is none, or too long.
        """
        parts = urlsplit(text)
        if (
            len(text) > 2048
            or _NOT_IN_URLS.search(text)
            or parts.scheme not in {"http", "https"}
            or parts.port == 0
        ):
            raise ValueError(text)
        host = parts.hostname or ""
        if ":" not in host:  # an IPv6 address has no labels
            refuse_labels(host)
        return cls(text)

    @classmethod
    def problem(cls, text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused."""
        return ValueNotPermitted(
            f"{field_name}: {text[:80]!r} is not an absolute http(s) URL of up to 2048 characters.",
            detail="Write it with scheme and host, such as https://example.com/call/1, "
            'and without spaces and \\ < > " ^ `.',
            field_name=field_name,
            reason="must be an absolute http(s) URL of up to 2048 characters",
        )

    @classmethod
    def schema(cls) -> Json:
        """The JSON Schema of the field."""
        return {
            "type": "string",
            "format": "uri",
            "pattern": r'^[Hh][Tt][Tt][Pp][Ss]?://[^\\<>"^`\s]+$',
            "maxLength": 2048,
            "examples": ["https://example.com/call/1"],
        }


class Domain(str):
    """A host name, up to 253 octets. It is kept in lower case, as names are the same in any."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one.

        Raises:
            ValueError: it is none.
        """
        return cls(host_name(text))

    @classmethod
    def problem(cls, text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused."""
        return ValueNotPermitted(
            f"{field_name}: {text[:80]!r} is not a host name.",
            detail="Write it without scheme, port and path, such as example.com.",
            field_name=field_name,
            reason="must be a host name of up to 253 octets, in labels of 1 to 63",
        )

    @classmethod
    def schema(cls) -> Json:
        """The JSON Schema of the field."""
        return {
            "type": "string",
            "format": "idn-hostname",
            "minLength": 1,
            "maxLength": 253,
            "examples": ["example.com"],
        }


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Website(str):
    """Where a website is, kept as written: an http(s) URL, of which the scheme may be missing."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check that it is one.

        Raises:
            ValueError: it is none.
        """
        HttpUrl.parse(text if _SCHEME.match(text) else f"https://{text}")
        return cls(text)

    @classmethod
    def problem(cls, text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused."""
        return HttpUrl.problem(text, field_name)

    @classmethod
    def schema(cls) -> Json:
        """The JSON Schema of the field."""
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048,
            "pattern": r'^[^\\<>"^`\s]+$',
            "examples": ["https://example.com"],
        }


Title = Annotated[str, Meta(min_length=1, max_length=256, pattern=VISIBLE)]
Name = Annotated[str, Meta(min_length=1, max_length=256, pattern=VISIBLE)]
Text = Annotated[str, Meta(max_length=65_536)]
Short = Annotated[str, Meta(max_length=2_048)]
ExternalRef = Annotated[str, Meta(min_length=1, max_length=512, pattern=VISIBLE)]
_EMAIL_PART = rf"[^\s@<>{UNSEEN}]+"
EMAIL = rf"^{_EMAIL_PART}@{_EMAIL_PART}$(?!\s)"
Email = Annotated[str, Meta(min_length=3, max_length=256, pattern=EMAIL)]
# However people write them; marks of direction, which programs paste around them, are refused.
PHONE_NUMBER = rf"^[^{UNSEEN}]*[0-9][^{UNSEEN}]*$(?!\s)"
PhoneNumber = Annotated[str, Meta(min_length=1, max_length=2_048, pattern=PHONE_NUMBER)]
_Item = TypeVar("_Item")
# An array without a bound of its own (behaviour: Text, dates and numbers). Every array of a request
# is bounded; the decoder insists.
Many = Annotated[list[_Item], Meta(max_length=200)]
Shorts = Many[Short]
Artifacts = Annotated[list[ArtifactId], Meta(max_length=50)]
# Refs of which an object has several, and of which a list finds any.
ExternalRefs = Many[Annotated[str, Meta(min_length=1, max_length=2_048, pattern=VISIBLE)]]
# What DevRev keeps schemas, parts and fragments in; here opaque text that comes back as sent.
Opaque = Annotated[str, Meta(max_length=2_048, description="Kept and given back as sent.")]
CustomFields = Annotated[
    dict[str, Any], Meta(description="Kept and given back as sent; up to 64 KiB of JSON.")
]
CUSTOM_FIELDS_BYTES = 64 * 1024
CustomFieldsFilter = Annotated[
    dict[str, Any],
    Meta(
        description="By field name the value, or an array of which any will do; all fields must match."
    ),
]
CustomFieldsUpdate = Annotated[
    dict[str, Any],
    Meta(description="The fields named here change, null takes one out, and the others stay."),
]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Number = Annotated[float, Meta(ge=-1e300, le=1e300)]


class SetTagWithValue(Request):
    """A tag to set, with one of its allowed values. A bare id is taken for `{id}` (a difference
    of real clients).
    """

    id: TagId
    value: Short | UnsetType = UNSET


class CustomSchemaSpecDrop(Request):
    """Which schemas an object leaves."""

    apps: Shorts | UnsetType = UNSET
    subtype: bool | UnsetType = UNSET


class CustomSchemaSpec(Request):
    """Which schemas an object's custom fields follow. There are none here; of all this the
    subtype is kept.
    """

    apps: Shorts | UnsetType = UNSET
    drop: CustomSchemaSpecDrop | UnsetType = UNSET
    subtype: Short | UnsetType = UNSET
    tenant_fragment: bool | UnsetType = UNSET
    validate_required_fields: bool | UnsetType = UNSET


class SetStrings(Request):
    """The values from now on."""

    set: Shorts | UnsetType = UNSET


class SetWebsites(Request):
    """The websites from now on."""

    set: Many[Website] | UnsetType = UNSET


class SetOpaque(Request):
    """The values from now on."""

    set: Many[Opaque] | UnsetType = UNSET


class SetArtifacts(Request):
    """The artifacts from now on. One that is left out stays bound to this object."""

    set: Artifacts | UnsetType = UNSET


class EnumValue(Response):
    """A value of an enum that an org can change; here it is the number that was sent, named by
    what is known of it.
    """

    id: int
    label: str
    ordinal: int


class DateTimeFilter(Request):
    """A range of dates; both ends are exclusive."""

    after: Instant | UnsetType = UNSET
    before: Instant | UnsetType = UNSET


class DateFilter(DateTimeFilter):
    """A range of dates, with exclusive ends, or a number of days from now."""

    type: Annotated[
        Literal["preset", "range"] | UnsetType,
        Meta(description="Without it, what the other fields say."),
    ] = UNSET
    preset_type: Literal["last_n_days", "next_n_days"] | UnsetType = UNSET
    days: Annotated[int, Meta(ge=0, le=2**32 - 1)] | UnsetType = UNSET


ListMode = Literal["after", "before"]
Limit = Annotated[int, Meta(ge=1, le=100, description="How many at the most; 50 without it.")]
DEFAULT_LIMIT = 50


# Three sort values of 256 characters, four bytes each, in base64.
CURSOR_LENGTH = 8_192
CursorField = Annotated[
    Annotated[str, Meta(max_length=CURSOR_LENGTH)] | UnsetType,
    Meta(description="Where to go on from: a cursor of an earlier answer."),
]
ModeField = Annotated[
    ListMode | UnsetType,
    Meta(description="`after` the cursor (or from the start), or `before` it (or the end)."),
]
IfModifiedDate = Annotated[
    Instant | UnsetType,
    OURS,
    Meta(description="Refused where it is not the `modified_date` that the object has by then."),
]
SortByField = Annotated[
    Annotated[list[Short], Meta(max_length=16)] | UnsetType,
    Meta(description="`field:asc` or `field:desc`, one or several in order."),
]


class ListRequest(Request):
    """What every list takes."""

    cursor: CursorField = UNSET
    limit: Limit | UnsetType = UNSET
    mode: ModeField = UNSET
    sort_by: SortByField = UNSET


class ListResponse(Response):
    """What every list answers beside its page."""

    next_cursor: str | UnsetType = UNSET
    prev_cursor: str | UnsetType = UNSET


def wire_value(value: object) -> str:
    """Encode what a request was read into and msgspec does not know: ids, dates, URLs, for
    `enc_hook`.

    Raises:
        NotImplementedError: it is something else.
    """
    if isinstance(value, Id):
        if value.name is not None:
            return value.text
        return value.display_id if value.org is None else f"{value.org}/{value.display_id}"
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Instant):
        return str(int(value))
    raise NotImplementedError(type(value))


def stored(document: type[Response]) -> Meta:
    """Mark a `Raw` field: the store keeps this object as finished JSON."""
    return Meta(extra={"document": document})


def bad_cursor() -> InvalidField:
    """The one answer to a cursor that this list did not make."""
    return InvalidField(
        "cursor: not a cursor of this list and sort order.",
        detail="Send next_cursor or prev_cursor of an earlier answer, with the same sort_by.",
        field_name="cursor",
    )


# The language of `search.core`.
Query = Annotated[
    str,
    Meta(
        max_length=2_048,
        description='Words, which are all wanted; `"a phrase"`, `begin*`, `-unwanted`, `one OR other`, and '
        "`from:`, `type:`, `tag:`, `after:`, `before:`.",
    ),
]


__all__ = [
    "Artifacts",
    "ARRAY_IS_SET", "CUSTOM_FIELDS_BYTES", "DEFAULT_LIMIT", "DIFFERENCE", "ONE_OR_MANY", "OURS", "UNSET", "UNTYPED", "CustomFields", "Domain", "ExternalRefs", "PhoneNumber", "SetWebsites", "VISIBLE", "Website",
    "CustomFieldsFilter", "CustomFieldsUpdate", "CustomSchemaSpec", "DateFilter", "DateTimeFilter", "Email", "EnumValue",
    "OFTEN_ABSENT", "ExternalRef", "HttpUrl", "Instant", "Int64", "Json", "Limit", "ListMode", "ListRequest", "ListResponse", "Many", "Name",
    "Number", "Opaque", "Query", "Raw", "Request", "Response", "SetArtifacts", "SetOpaque", "SetStrings", "SetTagWithValue", "Short",
    "Shorts", "TagId", "Text", "Title", "UnsetType", "CursorField", "ModeField", "SortByField", "bad_cursor", "ours_values",
    "stored", "wire_value",
]  # fmt: skip

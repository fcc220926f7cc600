"""One class per error type of the wire (behaviour: Errors). The class says status, type and
fields; one renderer writes it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class ApiError(Exception):
    """A refusal that the caller reads.

    Args:
        message: one sentence that names the field and the value.
        detail: what to do about it.
        fields: the type's own fields, all of them named in `wire_fields`.
    """

    status: ClassVar[int]
    type: ClassVar[str]
    # name -> JSON Schema of the value; a name that ends in "?" may be absent.
    wire_fields: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, message: str, *, detail: str = "", **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.fields: dict[str, Any] = fields
        self.violations: Sequence[ApiError] = ()

    @property
    def field_name(self) -> str:
        """The path of the field that is wrong, or an empty string."""
        return str(self.fields.get("field_name", ""))

    @property
    def headers(self) -> dict[str, str]:
        """Response headers that belong to this error."""
        return {}


class BadRequest(ApiError):
    """The request can't be taken, for a reason that no other type covers."""

    status = 400
    type = "bad_request"


class Undone(BadRequest):
    """A request of a batch was done, or would have been, and another one's refusal undid it."""

    status = 424


# Marks what is not DevRev's, here and in the OpenAPI document; strict servers leave it out.
OURS = "x-rapport-ours"
_STRING: dict[str, Any] = {"type": "string"}
_STRINGS = {"type": "array", "items": _STRING}
JSON_TYPES = ("array", "bool", "null", "number", "object", "string")


class FieldError(BadRequest):
    """A refusal that names a field."""

    wire_fields: ClassVar[dict[str, dict[str, Any]]] = {"field_name": _STRING}


class MissingRequiredField(FieldError):
    """A required field is absent."""

    type = "missing_required_field"


class UnexpectedJsonType(FieldError):
    """A value is of another JSON type than the field's."""

    type = "unexpected_json_type"
    wire_fields: ClassVar = {
        "field_name": _STRING,
        "expected": {"enum": [*JSON_TYPES]},
        "actual": {"enum": [*JSON_TYPES]},
    }


class InvalidEnumValue(FieldError):
    """A value is none of the allowed ones."""

    type = "invalid_enum_value"
    wire_fields: ClassVar = {"field_name": _STRING, "value": _STRING, "allowed_values": _STRINGS}


class InvalidField(FieldError):
    """The method has no such field, or the field's value can't be read."""

    type = "invalid_field"


class InvalidId(FieldError):
    """An id is malformed, or names nothing that the caller may see."""

    type = "invalid_id"


class UnexpectedIdType(FieldError):
    """An id is well formed but of a kind that the field doesn't take."""

    type = "unexpected_id_type"
    wire_fields: ClassVar = {"field_name": _STRING, "value": _STRING, "allowed_types?": _STRINGS}


class ValueNotPermitted(FieldError):
    """A value breaks a rule: a length, a count, a tag's allowed values, a value in use."""

    type = "value_not_permitted"
    wire_fields: ClassVar = {
        "field_name": _STRING,
        "reason": _STRING,
        "allowed_values?": _STRINGS,
        "existing_id?": {**_STRING, OURS: True},
    }


class ParseError(BadRequest):
    """The body is not a JSON object."""

    type = "parse_error"


class InvalidContentType(BadRequest):
    """The body's media type or encoding is not taken."""

    type = "invalid_content_type"
    wire_fields: ClassVar = {"value": _STRING}


class InvalidApiVersion(BadRequest):
    """`X-Devrev-Version` names a version that does not exist."""

    type = "invalid_api_version"
    wire_fields: ClassVar = {"value": _STRING}


class ArtifactAlreadyAttachedToAParent(BadRequest):
    """An artifact belongs to another object, and belongs there for ever."""

    type = "artifact_already_attached_to_a_parent"
    wire_fields: ClassVar = {"existing_parent": _STRING, "is_same": {"type": "boolean"}}


class Unauthenticated(ApiError):
    """No token, or one that is malformed, unknown, expired or revoked."""

    status = 401
    type = "unauthenticated"

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 section 11.6.1 asks for the challenge."""
        return {"www-authenticate": "Bearer"}


class Forbidden(ApiError):
    """The token is good, but its scope, role or user does not allow this."""

    status = 403
    type = "forbidden"


class NotFound(ApiError):
    """No such route, or no such object that the caller may see."""

    status = 404
    type = "not_found"


class MethodNotAllowed(ApiError):
    """The route exists for other HTTP verbs."""

    status = 405
    type = "method_not_allowed"

    def __init__(self, message: str, *, allow: str, also: str = "") -> None:
        super().__init__(message, detail=f"Use {allow}. {also}".rstrip())
        self.allow = allow

    @property
    def headers(self) -> dict[str, str]:
        """The verbs that the route takes."""
        return {"allow": self.allow}


class Conflict(ApiError):
    """A unique value is in use, for the methods whose documentation lists 409."""

    status = 409
    type = "conflict"


class RequestEntityTooLarge(ApiError):
    """The body is over the limit, in bytes."""

    status = 413
    type = "request_entity_too_large"
    wire_fields: ClassVar = {"max_bytes": {"type": "integer"}}


class TargetTooLong(ApiError):
    """The request's target, a query mostly, is over the limit."""

    status = 414
    type = "uri_too_long"


class HeadTooLarge(ApiError):
    """The request's head has more bytes or more fields than the limits."""

    status = 431
    type = "request_header_fields_too_large"


class UnknownCoding(ApiError):
    """The body is sent in a transfer coding that is not served."""

    status = 501
    type = "not_implemented"


class TooManyRequests(ApiError):
    """The caller's window is used up; `retry_after` is in seconds, `window` the headers about
    it.
    """

    status = 429
    type = "too_many_requests"
    wire_fields: ClassVar = {"retry_after": {"type": "integer"}}

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        retry_after: int,
        window: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, detail=detail, retry_after=retry_after)
        self._window = dict(window or {})

    @property
    def headers(self) -> dict[str, str]:
        """Seconds until the window ends, and where the caller stands."""
        return {"retry-after": str(self.fields["retry_after"]), **self._window}


class InternalError(ApiError):
    """A fault of the server; `reference_id` is in its log line."""

    status = 500
    type = "internal_error"
    wire_fields: ClassVar = {"reference_id": _STRING}


class ServiceUnavailable(ApiError):
    """The store is away or too slow; the same request may be sent again."""

    status = 503
    type = "service_unavailable"

    @property
    def headers(self) -> dict[str, str]:
        """One second: the store comes back by itself or stays away for longer than any number
        here.
        """
        return {"retry-after": "1"}


def as_one(problems: Sequence[ApiError]) -> ApiError:
    """The first problem, with all that name a field as its violations."""
    first = problems[0]
    named = [problem for problem in problems if isinstance(problem, FieldError)]
    first.violations = named if isinstance(first, FieldError) else ()
    return first


def raise_all(problems: Sequence[ApiError]) -> None:
    """Raise the first problem, with all that name a field as its violations; nothing when there are
    none.

    Beside a type that names no field there are no violations (behaviour: Errors).

    Raises:
        ApiError: the first of `problems`.
    """
    if problems:
        raise as_one(problems)

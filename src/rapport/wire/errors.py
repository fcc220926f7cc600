"""The one renderer of errors (behaviour: Errors)."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from rapport.contract.kit.errors import (
    OURS,
    ApiError,
    FieldError,
    InternalError,
    MethodNotAllowed,
    RequestEntityTooLarge,
)
from rapport.logs import get_logger

_log = get_logger("rapport.http")
_ID_LENGTH = 128
_TEXT = {"type": "string", "minLength": 1}
_VIOLATIONS = {
    OURS: True,
    "type": "array",
    "description": "Every problem of the request, this one included. Not DevRev's.",
    "items": {
        "type": "object",
        "properties": {"type": _TEXT, "field_name": {"type": "string"}, "message": _TEXT},
        "required": ["type", "field_name", "message"],
        "additionalProperties": False,
    },
}


def render(error: ApiError, *, strict: bool = False) -> tuple[int, dict[str, str], bytes]:
    """Status, extra headers and JSON body of an error; when strict, without what is not
    DevRev's.
    """
    body: dict[str, Any] = {"type": error.type, "message": _message(error)}
    if error.detail:
        body["detail"] = error.detail
    ours = (
        {name.removesuffix("?") for name, one in error.wire_fields.items() if OURS in one}
        if strict
        else ()
    )
    body |= {
        name: value
        for name, value in error.fields.items()
        if value is not None and name not in ours
    }
    if isinstance(error, FieldError) and not strict:
        body["violations"] = [
            {"type": one.type, "field_name": one.field_name, "message": _message(one)}
            for one in error.violations or (error,)
        ]
    return error.status, error.headers, _encoded(body)


def schema(error_type: type[ApiError], *, strict: bool = False) -> dict[str, Any]:
    """The JSON Schema of the body that `render` writes for errors of this type."""
    properties: dict[str, Any] = {
        "type": {"const": error_type.type},
        "message": _TEXT,
        "detail": _TEXT,
    }
    required = ["type", "message"]
    for name, one in error_type.wire_fields.items():
        if strict and OURS in one:
            continue
        properties[name.removesuffix("?")] = one
        if not name.endswith("?"):
            required.append(name)
    if issubclass(error_type, FieldError) and not strict:
        properties["violations"] = _VIOLATIONS
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def wrong_verb(verb: str, path: str, allow: str) -> MethodNotAllowed:
    """The refusal of a verb that a path does not take; OPTIONS is a browser's question for
    leave.
    """
    asks = (
        "Pages of other origins may call once RAPPORT_CORS_ORIGINS names theirs."
        if verb == "OPTIONS"
        else ""
    )
    return MethodNotAllowed(f"{verb} is not for {path}.", allow=allow, also=asks)


def too_large(most: int) -> RequestEntityTooLarge:
    """The refusal of a body of more bytes than a method takes."""
    return RequestEntityTooLarge(
        f"The body is larger than {most} bytes.",
        detail="Send less in one request.",
        max_bytes=most,
    )


def fault(path: str, request_id: str) -> InternalError:
    """The answer to an exception that is being handled and was nobody's intention; the log gets
    its traceback.
    """
    reference = f"err_{secrets.token_hex(12)}"
    _log.exception("internal_error", reference_id=reference, request_id=request_id, path=path)
    return InternalError(
        "The server made a mistake.",
        detail="Report it with reference_id; the log has more.",
        reference_id=reference,
    )


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """The caller's own `X-Request-Id` where it is a word of up to 128 characters, else a new
    one.
    """
    sent = headers.get(b"x-request-id", b"")
    if 0 < len(sent) <= _ID_LENGTH and sent.replace(b"-", b"").replace(b"_", b"").isalnum():
        return sent.decode()
    return f"req_{secrets.token_hex(12)}"


def _message(error: ApiError) -> str:
    """Never empty: one official client shows nothing else."""
    return error.message or f"{error.type.replace('_', ' ').capitalize()}."


def _encoded(body: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        # A lone surrogate came in by a header or a path; the refusal must still go out.
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")

"""METHODS as an OpenAPI 3.1 document: what `/openapi.json` answers and what tests hold every
answer against.
"""

import re
import sys
from collections.abc import Iterator

from rapport.contract.engagements import EXPANSIONS
from rapport.contract.kit.errors import (
    OURS,
    ApiError,
    BadRequest,
    Forbidden,
    HeadTooLarge,
    InternalError,
    InvalidApiVersion,
    InvalidContentType,
    InvalidEnumValue,
    InvalidField,
    InvalidId,
    MissingRequiredField,
    ParseError,
    RequestEntityTooLarge,
    ServiceUnavailable,
    TargetTooLong,
    TooManyRequests,
    Unauthenticated,
    UnexpectedIdType,
    UnexpectedJsonType,
    ValueNotPermitted,
)
from rapport.contract.kit.fields import Json
from rapport.contract.kit.method import VERSIONS, WRITE, Method
from rapport.contract.table import METHODS
from rapport.wire.errors import schema as error_schema
from rapport.wire.examples import example
from rapport.wire.schemas import REF, components, prose, reference, resolve

# What every method can answer, in the order of the statuses.
COMMON_ERRORS: tuple[type[ApiError], ...] = (
    BadRequest, MissingRequiredField, UnexpectedJsonType, InvalidEnumValue, InvalidField,
    InvalidId, UnexpectedIdType, ValueNotPermitted, ParseError, InvalidContentType,
    InvalidApiVersion, Unauthenticated, Forbidden, RequestEntityTooLarge, TooManyRequests,
    InternalError, ServiceUnavailable,
)  # fmt: skip
# Of HTTP itself, which DevRev's document leaves out.
HEAD_ERRORS: tuple[type[ApiError], ...] = (TargetTooLong, HeadTooLarge)
_ABOUT = """\
A self-hosted system of record for customer engagements.

Every method answers `POST` with a JSON object; the reading ones also answer `GET`, with the same \
names in the query.
Ids go in as DON or display id (`ACC-12345`); DONs come out."""
_KEY = "Idempotency-Key"
_ONCE = "Idempotency-Key-Once"
_FAMILY = re.compile(r"The [a-z-]+ family[:;] (.)")
_STATUS = {
    400: "The request can't be taken; `type` says why.",
    401: "No token, or one that does not count.",
    403: "The token may not do this.",
    404: "No such object that the caller may see.",
    409: "A unique value is in use.",
    413: "The body is too large.",
    414: "The request's target is too long: send a POST.",
    429: "The caller's window is used up.",
    431: "The request's head is too large.",
    500: "A fault of the server.",
    503: "The store is away; the same request may be sent again.",
}
_SECONDS = {"schema": {"type": "integer", "minimum": 0}}
_ERROR_HEADERS: dict[int, Json] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds until the window ends.", **_SECONDS}},
    503: {"Retry-After": {"description": "Seconds to wait.", **_SECONDS}},
}


def document(*, version: str, strict: bool = False, server: str = "/") -> Json:
    """The whole document.

    Args:
        version: Rapport's own, for `info`.
        strict: as under `RAPPORT_STRICT=1`: without what is not DevRev's.
        server: where the methods are served.
    """
    methods = [method for method in METHODS.values() if not (strict and method.ours)]
    structs = components(
        [kind for one in methods for kind in (one.request, one.response)], strict=strict
    )
    errors = {
        kind.__name__: _error(kind, strict=strict)
        for one in methods
        for kind in errors_of(one, strict=strict)
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rapport",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "tags": _families(methods),
        "security": [{"bearer": []}],
        "paths": {one.path: _path(one, structs, strict=strict) for one in methods},
        "components": {
            "schemas": {**structs, **errors},
            "parameters": _headers(strict=strict),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token: `rpt_…`"}
            },
        },
    }


def errors_of(method: Method, *, strict: bool = False) -> list[type[ApiError]]:
    """Every error type that the method can answer, by status, the common ones of a status first."""
    common = COMMON_ERRORS if strict else (*COMMON_ERRORS, *HEAD_ERRORS)
    return sorted(dict.fromkeys((*common, *method.errors)), key=lambda kind: kind.status)


def _families(methods: list[Method]) -> list[Json]:
    about = {one.family: prose(sys.modules[one.request.__module__].__doc__) for one in methods}
    return [
        {"name": name, "description": _FAMILY.sub(lambda found: found[1].upper(), text)}
        for name, text in about.items()
    ]


def _path(method: Method, schemas: dict[str, Json], *, strict: bool) -> Json:
    post = _operation(method, strict=strict)
    request = schemas[method.request.__name__]
    post["requestBody"] = {
        "required": bool(request.get("required")),
        "content": {
            "application/json": {
                "schema": reference(method.request),
                "example": example(method, schemas),
            },
        },
    }
    if method.effect == WRITE:
        return {"post": post}
    get = _operation(method, strict=strict)
    get["parameters"] = [*_query(request, schemas), *get["parameters"]]
    post["operationId"] += "-post"
    return {"get": get, "post": post}


def _operation(method: Method, *, strict: bool) -> Json:
    operation: Json = {
        "operationId": method.name.replace(".", "-"),
        "summary": method.summary,
        "tags": [method.family],
        "parameters": [
            {"$ref": f"#/components/parameters/{name}"}
            for name in _headers_of(method, strict=strict)
        ],
        "responses": {
            **{str(status): _answer(method) for status in method.statuses},
            **_refusals(method, strict=strict),
        },
    }
    if method.scope:
        operation["x-rapport-scope"] = method.scope
    if method.ours:
        operation[OURS] = True
    return operation


def _headers_of(method: Method, *, strict: bool) -> Iterator[str]:
    if method.effect == WRITE and not strict:
        yield _ONCE if method.secret_answer else _KEY
    if "expand" in method.request.__struct_fields__ and not strict:
        yield "X-Rapport-Expand"
    yield "X-Devrev-Version"


def _headers(*, strict: bool) -> Json:
    version = {"type": "string", "enum": [*VERSIONS]}
    headers: Json = {
        "X-Devrev-Version": {
            "description": "Taken so that clients may send it; changes nothing.",
            "schema": version,
        },
    }
    if not strict:
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        expansions = {"type": "string", "enum": sorted(EXPANSIONS)}
        headers[_KEY] = {
            "description": "The same key and body within 24 hours give the first answer again.",
            "schema": key,
            OURS: True,
        }
        headers[_ONCE] = {
            "name": _KEY,
            "description": "A key of the last 24 hours is refused, since the answer is shown only "
            "once.",
            "schema": key,
            OURS: True,
        }
        headers["X-Rapport-Expand"] = {
            "description": "The same as the field `expand`.",
            "schema": {"type": "array", "items": expansions},
            OURS: True,
        }
    return {
        name: {"name": name, "in": "header", **header} for name, header in sorted(headers.items())
    }


def _answer(method: Method) -> Json:
    return {
        "description": prose(method.response.__doc__),
        "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": reference(method.response)}},
    }


def _refusals(method: Method, *, strict: bool) -> Json:
    by_status: dict[int, list[type[ApiError]]] = {}
    for kind in errors_of(method, strict=strict):
        by_status.setdefault(kind.status, []).append(kind)
    return {
        str(status): {
            "description": _STATUS[status],
            "headers": {
                "X-Request-Id": {"schema": {"type": "string"}},
                **_ERROR_HEADERS.get(status, {}),
            },
            "content": {"application/json": {"schema": _one_of(kinds)}},
        }
        for status, kinds in by_status.items()
    }


def _one_of(kinds: list[type[ApiError]]) -> Json:
    if len(kinds) == 1:
        return {"$ref": REF + kinds[0].__name__}
    mapping = {kind.type: REF + kind.__name__ for kind in kinds}
    return {
        "oneOf": [{"$ref": place} for place in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }


def _error(kind: type[ApiError], *, strict: bool) -> Json:
    return {
        "title": kind.__name__,
        "description": prose(kind.__doc__),
        **error_schema(kind, strict=strict),
    }


def _query(schema: Json, schemas: dict[str, Json], prefix: str = "") -> Iterator[Json]:
    """The request as query parameters: the fields of an object in it have a dot in their names."""
    for name, field in schema["properties"].items():
        inner = resolve(field, schemas)
        if inner.get("type") == "array":
            inner = resolve(inner["items"], schemas)
        if "properties" in inner:
            for parameter in _query(inner, schemas, f"{prefix}{name}."):
                yield parameter | ({OURS: True} if OURS in field else {})
        else:
            yield _parameter(prefix + name, field, required=name in schema.get("required", []))


def _parameter(name: str, field: Json, *, required: bool) -> Json:
    field = dict(field)
    told = {key: field.pop(key) for key in ("description", OURS) if key in field}
    schema = field["anyOf"][0] if "anyOf" in field else field
    parameter: Json = {"name": name, "in": "query", **told, "schema": schema}
    if schema.get("type") == "object":
        # A free-form object is one JSON text; written as a form, its keys would pass for parameters
        # of their own.
        parameter["content"] = {"application/json": {"schema": parameter.pop("schema")}}
    if required:
        parameter["required"] = True
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter

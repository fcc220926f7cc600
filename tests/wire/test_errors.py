"""Every error goes out through one renderer, in the shape that its schema says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rapport.contract.kit import errors
from rapport.wire.errors import render, schema

SAMPLES: dict[str, Any] = {"string": "x", "boolean": True, "integer": 5, "array": ["x"]}


def all_types(parent: type[errors.ApiError] = errors.ApiError) -> Iterator[type[errors.ApiError]]:
    for child in parent.__subclasses__():
        if child is not errors.FieldError:
            yield child
        yield from all_types(child)


def sample(one: dict[str, Any]) -> Any:
    return one["enum"][0] if "enum" in one else SAMPLES[one["type"]]


@pytest.mark.parametrize("error_type", list(all_types()), ids=lambda one: one.__name__)
def test_a_body_has_what_its_schema_requires_and_nothing_else(
    error_type: type[errors.ApiError],
) -> None:
    if error_type is errors.MethodNotAllowed:
        error: errors.ApiError = errors.MethodNotAllowed("Not so.", allow="POST")
    else:
        fields = {
            name.removesuffix("?"): sample(one) for name, one in error_type.wire_fields.items()
        }
        error = error_type("Not so.", detail="Do otherwise.", **fields)
    if isinstance(error, errors.FieldError):
        error.violations = [error]
    status, headers, raw = render(error)
    body, wanted = json.loads(raw), schema(error_type)
    assert status == error_type.status
    assert headers == error.headers
    assert body["type"] == error_type.type == wanted["properties"]["type"]["const"]
    assert set(wanted["required"]) <= set(body) <= set(wanted["properties"])


def test_optional_fields_are_not_required() -> None:
    wanted = schema(errors.ValueNotPermitted)
    assert wanted["required"] == ["type", "message", "field_name", "reason"]
    assert "existing_id" in wanted["properties"]


def test_a_message_is_never_empty() -> None:
    body = json.loads(render(errors.NotFound(""))[2])
    assert body == {"type": "not_found", "message": "Not found."}


def test_what_is_not_devrevs_is_left_out_when_strict() -> None:
    error = errors.ValueNotPermitted(
        "Not so.", field_name="a", reason="in use", existing_id="ENGAGEMENT-1"
    )
    error.violations = [error]
    assert set(json.loads(render(error, strict=True)[2])) == {
        "type",
        "message",
        "field_name",
        "reason",
    }
    assert set(schema(errors.ValueNotPermitted, strict=True)["properties"]) == {
        "type",
        "message",
        "detail",
        "field_name",
        "reason",
        "allowed_values",
    }


def test_violations_name_every_problem_that_names_a_field() -> None:
    first = errors.InvalidField("a is wrong.", field_name="a")
    second = errors.InvalidId("b is wrong.", field_name="b")
    assert len(json.loads(render(first)[2])["violations"]) == 1
    assert "violations" not in json.loads(render(errors.BadRequest("no field"))[2])
    with pytest.raises(errors.InvalidField) as caught:
        errors.raise_all([first, errors.BadRequest("no field"), second])
    assert json.loads(render(caught.value)[2])["violations"] == [
        {"type": "invalid_field", "field_name": "a", "message": "a is wrong."},
        {"type": "invalid_id", "field_name": "b", "message": "b is wrong."},
    ]


def test_a_lone_surrogate_does_not_stop_an_error_from_going_out() -> None:
    assert (
        json.loads(render(errors.InvalidContentType("x \ud800", value="\udc00"))[2])["value"] == "?"
    )


def test_headers_that_belong_to_an_error_go_with_it() -> None:
    assert render(errors.TooManyRequests("Slow down.", retry_after=7))[1] == {"retry-after": "7"}
    assert render(errors.MethodNotAllowed("Not so.", allow="POST"))[1] == {"allow": "POST"}

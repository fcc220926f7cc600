"""What was refused, by the fields of a form."""

from collections.abc import Mapping

from rapport.contract.kit.errors import ApiError, FieldError

Typed = dict[str, str]
Errors = dict[str, str]


def said_of(error: ApiError, fields: Mapping[str, str]) -> Errors:
    """A refusal, by the form's fields; under `form` what none of them is about.

    Args:
        error: of the API.
        fields: the form's names by the API's.
    """
    if not isinstance(error, FieldError):
        return {"form": f"{error.message} {error.detail}".strip()}
    return {
        fields.get(one.field_name.partition(".")[0].partition("[")[0], "form"): one.message
        for one in error.violations or (error,)
    }

"""Values of works: their types, categories, priorities."""

from typing import Any, Literal, Self

from rapport.contract.kit.errors import ApiError, InvalidEnumValue, ValueNotPermitted

WorkType = Literal["issue", "opportunity", "task", "ticket"]
WORK_TYPES = ("issue", "opportunity", "task", "ticket")
ForecastCategory = Literal["commit", "omitted", "pipeline", "strong_upside", "upside", "won"]
IssuePriority = Literal["p0", "p1", "p2", "p3"]


class ServedWorkType(str):
    """The type of a work that is written: opportunities are the only ones that are kept."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check that it is one that is kept.

        Raises:
            ValueError: it is not.
        """
        if text != "opportunity":
            raise ValueError(text)
        return cls(text)

    @classmethod
    def problem(cls, text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused."""
        if text in WORK_TYPES:
            return ValueNotPermitted(
                f"{field_name}: {text!r} works are not kept here.",
                detail="Rapport keeps opportunities; use type opportunity.",
                field_name=field_name,
                reason="must be opportunity",
                allowed_values=["opportunity"],
            )
        return InvalidEnumValue(
            f"{field_name}: {text[:80]!r} is not an allowed value.",
            detail="Use opportunity.",
            field_name=field_name,
            value=text,
            allowed_values=list(WORK_TYPES),
        )

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """The JSON Schema of the field."""
        return {
            "type": "string",
            "enum": ["opportunity"],
            "description": "The other types are not kept here.",
        }

"""What may stand where in a request: its contract, made ready for the walk over what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import inspect

from rapport.contract.kit.fields import Request
from rapport.contract.kit.ids import Id


@dataclass(frozen=True, slots=True)
class Place:
    """A field or an array's element, and what may stand there.

    Args:
        arms: the JSON types that it takes, and the contract's type for each.
        items: the elements, where it takes an array.
        fields: in the contract's order, where it takes an object of known fields.
        required: it may not be absent.
        ours: not DevRev's; refused when strict.
        one_or_many: a single text is taken for an array of one, unless strict.
        often_absent: required when strict.
        array_is_set: an array is taken for `{set: array}`, unless strict.
        ours_values: those of an enum that are not DevRev's; refused when strict.
    """

    arms: Mapping[str, inspect.Type]
    items: "Place | None" = None
    fields: Mapping[str, "Place"] = field(default_factory=dict)
    required: bool = False
    ours: bool = False
    one_or_many: bool = False
    often_absent: bool = False
    array_is_set: bool = False
    ours_values: frozenset[str] = frozenset()

    @property
    def expected(self) -> str:
        """The JSON type to name when another one was sent."""
        return next(iter(self.arms))

    @property
    def free_form(self) -> bool:
        """It takes any JSON object."""
        return isinstance(self.arms.get("object"), inspect.DictType)

    @property
    def is_raw(self) -> bool:
        """It takes JSON that somebody else reads."""
        return isinstance(self.arms.get("object"), inspect.RawType)

    @property
    def takes_names(self) -> bool:
        """It takes an id, and so what may stand in an id's place, unless strict."""
        text = self.arms.get("string")
        return isinstance(text, inspect.CustomType) and issubclass(text.cls, Id)

    @property
    def has_ours(self) -> bool:
        """Something at or below it, or its absence, is refused when strict."""
        below = [*self.fields.values(), *([self.items] if self.items else [])]
        return (
            self.ours
            or self.often_absent
            or bool(self.ours_values)
            or self.takes_names
            or any(place.has_ours for place in below)
        )


def place_of(request_type: type[Request]) -> Place:
    """The contract of a request type, made ready for the walk.

    Raises:
        TypeError: the contract says something that the walk can't check, or leaves a size
            unbounded.
    """
    root = _place(inspect.type_info(request_type), request_type.__name__, required=True)
    for name, place in root.fields.items():
        if any(deeper.free_form for deeper in _below(place)):
            raise TypeError(
                f"{request_type.__name__}.{name}: free-form objects stand at the top level only"
            )
    return root


def _place(declared: inspect.Type, name: str, *, required: bool) -> Place:
    inner, extra = _unwrapped(declared)
    types = inner.types if isinstance(inner, inspect.UnionType) else (inner,)
    arms = {_json_type_of(arm, name): arm for arm in (_unwrapped(one)[0] for one in types)}
    if len(arms) != len(types):
        raise TypeError(f"{name}: two types that look alike in JSON")
    array, struct = arms.get("array"), arms.get("object")
    return Place(
        arms=arms,
        items=_place(array.item_type, f"{name}[]", required=True)
        if isinstance(array, inspect.ListType)
        else None,
        fields={
            one.encode_name: _place(one.type, f"{name}.{one.encode_name}", required=one.required)
            for one in (struct.fields if isinstance(struct, inspect.StructType) else ())
        },
        required=required,
        ours=bool(extra.get("ours")),
        one_or_many=bool(extra.get("one_or_many")),
        often_absent=bool(extra.get("often_absent")),
        array_is_set=bool(extra.get("array_is_set")),
        ours_values=extra.get("ours_values", frozenset()),
    )


def _unwrapped(declared: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    extra: dict[str, Any] = {}
    while isinstance(declared, inspect.Metadata):
        extra = {**(declared.extra or {}), **extra}
        declared = declared.type
    return declared, extra


def _json_type_of(arm: inspect.Type, name: str) -> str:  # noqa: PLR0911  # a table
    """The JSON type of a contract type. The fast decoder has to refuse all that the walk does,
    so sizes need bounds.
    """
    match arm:
        case inspect.NoneType():
            return "null"
        case inspect.BoolType():
            return "bool"
        case inspect.CustomType() | inspect.LiteralType() | inspect.StrType(max_length=int()):
            return "string"
        case inspect.IntType(ge=int(), le=int(), gt=None, lt=None, multiple_of=None):
            return "number"
        case inspect.FloatType(ge=float(), le=float(), gt=None, lt=None, multiple_of=None):
            return "number"
        case inspect.ListType(max_length=int()):
            return "array"
        case (
            inspect.StructType()
            | inspect.RawType()
            | inspect.DictType(value_type=inspect.AnyType(), min_length=None, max_length=None)
        ):
            return "object"
        case _:
            raise TypeError(f"{name}: {arm} is not of a known type, or has no bounds")


def _below(place: Place) -> list[Place]:
    inner = [*place.fields.values(), *([place.items] if place.items else [])]
    return inner + [deeper for one in inner for deeper in _below(one)]

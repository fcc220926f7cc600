"""The contract's structs as JSON Schema, with the marks that `Meta` carries."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Meta, Raw, Struct

from rapport.contract.kit.errors import OURS
from rapport.contract.kit.fields import Json, SetTagWithValue
from rapport.contract.kit.ids import TagId

REF = "#/components/schemas/"
_SOURCE = re.compile(r"\s*\(behaviour: [^)]*\)")


def components(roots: Iterable[type[Struct]], *, strict: bool) -> dict[str, Json]:
    """Schemas by name: of the roots and of every struct that they reach.

    Args:
        roots: where to begin.
        strict: leave out what is not DevRev's instead of marking it.
    """
    found: dict[str, type[Struct]] = {}
    for root in roots:
        _collect(root, found)
    _, schemas = msgspec.json.schema_components(
        found.values(), schema_hook=_custom, ref_template=REF + "{name}"
    )
    untyped = {name: _without_type(schema) for name, schema in schemas.items()} if strict else {}
    return {
        name: _component(found[name], schemas[name], untyped, strict=strict)
        for name in sorted(found)
    }


def reference(kind: type[Struct]) -> Json:
    """What stands where a component is used."""
    return {"$ref": REF + kind.__name__}


def resolve(schema: Json, schemas: dict[str, Json]) -> Json:
    """The component that a schema refers to, or the schema itself."""
    return schemas[schema["$ref"].removeprefix(REF)] if "$ref" in schema else schema


def prose(text: str | None) -> str:
    """A docstring for readers of the reference: one paragraph, without its pointers to the page
    about behaviour.
    """
    return " ".join(_SOURCE.sub("", text or "").split())


def _collect(hint: Any, found: dict[str, type[Struct]]) -> None:
    if isinstance(hint, type) and issubclass(hint, Struct):
        if hint.__name__ not in found:
            found[hint.__name__] = hint
            for field in get_type_hints(hint, include_extras=True).values():
                _collect(field, found)
        return
    if document := _marks(hint).get("document"):
        _collect(document, found)
    for inner in get_args(hint):
        _collect(inner, found)


def _without_type(schema: Json) -> Json:
    properties = {name: one for name, one in schema.get("properties", {}).items() if name != "type"}
    return {
        **schema,
        "properties": properties,
        "required": [one for one in schema.get("required", []) if one != "type"],
    }


def _component(kind: type[Struct], schema: Json, untyped: dict[str, Json], *, strict: bool) -> Json:
    hints = get_type_hints(kind, include_extras=True)
    schema["description"] = prose(schema.get("description"))
    properties = schema["properties"]
    for name in [*properties]:
        marks = _marks(hints[name]) if name in hints else {}
        if strict and marks.get("ours"):
            del properties[name]
            schema["required"] = [one for one in schema.get("required", []) if one != name]
        else:
            one = (
                untyped.get(properties[name].get("$ref", "").removeprefix(REF))
                if marks.get("untyped")
                else None
            )
            properties[name] = _property(
                one or properties[name], hints.get(name), marks, strict=strict
            )
            if strict and marks.get("often_absent"):
                schema["required"] = [*schema.get("required", []), name]
    if kind is SetTagWithValue and not strict:
        return _or_bare_id(schema)
    return schema


def _property(schema: Json, hint: Any, marks: Json, *, strict: bool) -> Json:
    if document := marks.get("document"):
        one = reference(document)
        schema = one if Raw in get_args(hint) else {"type": "array", "items": one}
    for enum in _enums(schema):
        enum.setdefault("type", "string")
        if strict and (ours := _marks_within(hint).get("ours_values")):
            enum["enum"] = [value for value in enum["enum"] if value not in ours]
    if marks.get("one_or_many") and not strict:
        told = {"description": schema.pop("description")} if "description" in schema else {}
        schema = {**told, "anyOf": [schema, {**schema["items"], OURS: True}]}
    if marks.get("array_is_set") and not strict:
        told = {"description": schema.pop("description")} if "description" in schema else {}
        schema = {**told, "anyOf": [schema, {**_set_of(hint), OURS: True}]}
    return {**schema, OURS: True} if marks.get("ours") else schema


def _set_of(hint: Any) -> Json:
    """The schema of what a `{set}` sets."""
    struct = next(
        arm for arm in _alternatives(hint) if isinstance(arm, type) and issubclass(arm, Struct)
    )
    (schema,), _ = msgspec.json.schema_components(
        [get_type_hints(struct, include_extras=True)["set"]],
        schema_hook=_custom,
        ref_template=REF + "{name}",
    )
    for enum in _enums(schema):
        enum.setdefault("type", "string")
    return schema


def _alternatives(hint: Any) -> Iterator[Any]:
    """The types that a hint allows, without their marks."""
    inner = get_args(hint)
    if not inner or isinstance(hint, type):
        yield hint
        return
    for one in inner:
        if not isinstance(one, Meta):
            yield from _alternatives(one)


def _marks_within(hint: Any) -> Json:
    """The marks of a hint and of all that it is made of."""
    marks = _marks(hint)
    for inner in get_args(hint):
        marks = {**_marks_within(inner), **marks}
    return marks


def _or_bare_id(schema: Json) -> Json:
    """Real clients send a tag's bare id, and that is taken."""
    told = {key: schema.pop(key) for key in ("title", "description")}
    return {**told, "anyOf": [schema, {**TagId.schema(), OURS: True}]}


def _enums(schema: Json) -> Iterator[Json]:
    if "enum" in schema:
        yield schema
    for inner in ([schema["items"]] if "items" in schema else []) + schema.get("anyOf", []):
        yield from _enums(inner)


def _marks(hint: Any) -> Json:
    marks: Json = {}
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, Meta):
            marks |= meta.extra or {}
    return marks


def _custom(kind: Any) -> Json:
    schema: Json = kind.schema()
    return schema

"""The OpenAPI document as what the pages of the reference show: methods, fields and refusals."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rapport.contract.kit.errors import OURS
from rapport.contract.kit.fields import Json
from rapport.http.reference.ids import sources
from rapport.http.reference.samples import Sample, pretty, samples
from rapport.wire.schemas import REF, resolve

_DEEPEST = 3
_BOUNDS = (
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " entries"),
    ("minimum", "maximum", ""),
)


@dataclass(frozen=True)
class Field:
    """One line of a table of fields."""

    name: str
    type: str
    required: bool
    ours: bool
    description: str
    bounds: str
    choices: list[str]
    fields: list["Field"]


@dataclass(frozen=True)
class Refusal:
    """The error types of one status."""

    status: str
    description: str
    types: list[str]


@dataclass(frozen=True)
class Entry:
    """One method as the page shows it."""

    name: str
    path: str
    family: str
    summary: str
    verbs: list[str]
    scope: str
    ours: bool
    status: str
    headers: list[Field]
    request: list[Field]
    answers: str
    answer: list[Field]
    refusals: list[Refusal]
    example: str
    ids: Json
    samples: list[Sample]
    words: str = field(repr=False)


def entries(document: Json) -> list[Entry]:
    """Every method of a document, in its order."""
    return [_entry(path, operations, document) for path, operations in document["paths"].items()]


def _entry(path: str, operations: Json, document: Json) -> Entry:
    post = operations["post"]
    schemas = document["components"]["schemas"]
    status, answer = next(iter(post["responses"].items()))
    body = post["requestBody"]["content"]["application/json"]
    request = [*_fields(body["schema"], schemas)]
    answered = [*_fields(answer["content"]["application/json"]["schema"], schemas)]
    name = path.removeprefix("/")
    return Entry(
        name=name,
        path=path,
        family=post["tags"][0],
        summary=post["summary"],
        verbs=sorted(verb.upper() for verb in operations),
        scope=post.get("x-rapport-scope", ""),
        ours=OURS in post,
        status=status,
        headers=[_header(one["$ref"], document) for one in post["parameters"]],
        request=request,
        answers=answer["description"],
        answer=answered,
        refusals=[
            _refusal(code, one, schemas) for code, one in post["responses"].items() if code >= "400"
        ],
        example=pretty(body["example"]),
        # A change is not made to hit one of the caller's own objects by a click.
        ids=sources(body["example"], {one.removeprefix("/") for one in document["paths"]})
        if "get" in operations
        else {},
        samples=samples(path, body["example"]),
        words=" ".join(
            dict.fromkeys([name, post["summary"], *_names(request, _DEEPEST), *_names(answered, 2)])
        ).lower(),
    )


def _fields(schema: Json, schemas: dict[str, Json], depth: int = 0) -> Iterator[Field]:
    """The fields of an object, of an array's objects, or of all alternatives together."""
    if depth > _DEEPEST:
        return
    found: dict[str, Field] = {}
    for shape in _objects(schema, schemas):
        for name, one in shape["properties"].items():
            required = name in shape.get("required", [])
            line = _field(name, one, schemas, required=required, depth=depth)
            found.setdefault(name, line).choices.extend(
                one for one in line.choices if one not in found[name].choices
            )
    yield from found.values()


def _objects(schema: Json, schemas: dict[str, Json]) -> Iterator[Json]:
    schema = resolve(schema, schemas)
    if "properties" in schema:
        yield schema
    for inner in (*([schema["items"]] if "items" in schema else []), *schema.get("anyOf", [])):
        yield from _objects(inner, schemas)


def _field(
    name: str, schema: Json, schemas: dict[str, Json], *, required: bool, depth: int
) -> Field:
    shape = resolve(schema, schemas)
    plain = next((one for one in shape.get("anyOf", []) if one.get("type") != "null"), shape)
    choices = plain if "enum" in plain else plain.get("items", {})
    return Field(
        name=name,
        type=_type(schema, schemas),
        required=required,
        ours=OURS in schema,
        description=schema.get("description")
        or (shape.get("description", "") if "$ref" in schema else ""),
        bounds=_bounds(plain),
        choices=[str(one) for one in choices.get("enum", [])],
        fields=[*_fields(schema, schemas, depth + 1)],
    )


def _type(schema: Json, schemas: dict[str, Json]) -> str:
    shape = resolve(schema, schemas)
    if "discriminator" in shape:
        return " or ".join(shape["discriminator"]["mapping"])
    if "anyOf" in shape:
        return " or ".join(dict.fromkeys(_type(one, schemas) for one in shape["anyOf"]))
    if shape.get("type") == "array":
        return f"array of {_plural(_type(shape['items'], schemas))}"
    if shape.get("format") == "id":
        return "id (" + ", ".join(one.replace("12345", "…") for one in shape["examples"]) + ")"
    if "enum" in shape:
        return "enum"
    return str(shape.get("format") or shape.get("type") or "any")


def _plural(kind: str) -> str:
    return re.sub(r"\b(id|string|object|integer|enum)\b", r"\1s", kind)


def _bounds(schema: Json) -> str:
    parts = []
    for least, most, unit in _BOUNDS:
        if least in schema and most in schema:
            parts.append(f"{schema[least]:,} to {schema[most]:,}{unit}")
        elif most in schema:
            parts.append(f"Up to {schema[most]:,}{unit}")
        elif least in schema:
            parts.append(f"At least {schema[least]:,}{unit}")
    if schema.get("pattern") == r"\S":
        parts.append("not blank")
    return ", ".join(parts)


def _names(fields: list[Field], depth: int) -> Iterator[str]:
    for one in fields if depth else ():
        yield one.name
        yield from _names(one.fields, depth - 1)


def _header(place: str, document: Json) -> Field:
    header = document["components"]["parameters"][place.rpartition("/")[2]]
    one = _field(header["name"], header["schema"], {}, required=False, depth=0)
    return Field(**{**vars(one), "ours": OURS in header, "description": header["description"]})


def _refusal(status: str, response: Json, schemas: dict[str, Json]) -> Refusal:
    schema = response["content"]["application/json"]["schema"]
    kinds = [resolve(one, schemas) for one in schema.get("oneOf", [schema])]
    return Refusal(
        status, response["description"], [kind["properties"]["type"]["const"] for kind in kinds]
    )


def errors(document: Json) -> list[tuple[str, str, str, list[str]]]:
    """Status, type, meaning and own fields of each error type, by status."""
    schemas = document["components"]["schemas"]
    found: dict[str, tuple[str, str, str, list[str]]] = {}
    for operations in document["paths"].values():
        for status, response in operations["post"]["responses"].items():
            schema = response["content"]["application/json"]["schema"]
            for place in schema.get("oneOf", [schema]):
                kind = resolve(place, schemas)
                if "const" in kind["properties"].get("type", {}):
                    own = [
                        one
                        for one in kind["properties"]
                        if one not in {"type", "message", "detail"}
                    ]
                    name = kind["properties"]["type"]["const"]
                    row = (status, name, kind["description"], own)
                    found[place["$ref"].removeprefix(REF)] = row
    return sorted(found.values(), key=lambda row: row[0])

"""A request for each method, shown by the OpenAPI document and the reference: its own example,
or one made up.
"""

from rapport.contract.kit.fields import Json
from rapport.contract.kit.method import Method
from rapport.wire.schemas import resolve


def example(method: Method, schemas: dict[str, Json]) -> Json:
    """A request that the method takes.

    Args:
        method: whose.
        schemas: the document's components, for methods that have no example of their own.
    """
    if method.example is not None:
        return method.example
    schema = schemas[method.request.__name__]
    if "limit" in schema["properties"] and not schema.get("required"):
        return {"limit": 3}
    return {
        name: made_up(schema["properties"][name], schemas) for name in schema.get("required", [])
    }


def made_up(schema: Json, schemas: dict[str, Json]) -> object:
    """A value that fits a schema: its first example or choice where it has some."""
    schema = resolve(schema, schemas)
    for choices in ("examples", "enum"):
        if choices in schema:
            return schema[choices][0]
    match schema.get("type"):
        case "array":
            return [made_up(schema["items"], schemas)]
        case "object":
            return {
                name: made_up(schema["properties"][name], schemas)
                for name in schema.get("required", [])
            }
        case "boolean":
            return True
        case "integer":
            return schema.get("minimum", 1)
    return "text"

"""The OpenAPI document: it is one, it is whole, and it keeps to the documented API."""

import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from rapport.contract.kit.errors import OURS, MethodNotAllowed
from rapport.contract.kit.method import READ, Method
from rapport.contract.table import METHODS
from rapport.wire.openapi import document, errors_of
from rapport.wire.schemas import REF

LOOSE = document(version="1.2.3")
STRICT = document(version="1.2.3", strict=True)
# Read once each: with all of a document in each schema, these would take seconds.
REGISTRIES = [
    jsonschema_rs.Registry([("urn:openapi", doc)], draft=jsonschema_rs.Draft202012)
    for doc in (LOOSE, STRICT)
]
ALL = [pytest.param(method, id=method.name) for method in METHODS.values()]
READS = [
    pytest.param(method, id=method.name) for method in METHODS.values() if method.effect == READ
]
FACTS = Path(
    os.environ.get("RAPPORT_UPSTREAM_FACTS")
    or Path(__file__).parents[3] / "shared/upstream/devrev-facts.yaml",
)


def schema_of(name: str, doc: dict[str, Any] = LOOSE) -> dict[str, Any]:
    schema: dict[str, Any] = doc["components"]["schemas"][name]
    return schema


@pytest.mark.slow
@pytest.mark.parametrize("doc", [LOOSE, STRICT], ids=["loose", "strict"])
def test_document_is_valid_openapi_3_1(doc: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(doc).validate()
    assert doc["info"]["version"] == "1.2.3"


@pytest.mark.parametrize("method", ALL)
def test_every_method_is_there_in_all_its_forms(method: Method) -> None:
    path = LOOSE["paths"][method.path]
    assert {verb.upper() for verb in path} == {*method.verbs}
    for operation in path.values():
        assert operation["summary"] == method.summary
        assert operation["tags"] == [method.family]
        assert operation.get("x-rapport-scope") == method.scope
        assert next(iter(operation["responses"])) == str(method.status)


def test_operation_ids_are_unique() -> None:
    ids = [
        operation["operationId"] for path in LOOSE["paths"].values() for operation in path.values()
    ]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("method", ALL)
def test_request_is_closed_and_the_answer_is_open(method: Method) -> None:
    assert schema_of(method.request.__name__)["additionalProperties"] is False
    assert "additionalProperties" not in schema_of(method.response.__name__)


@pytest.mark.parametrize("method", READS)
def test_query_names_every_field_of_the_body(method: Method) -> None:
    names = {
        one["name"]
        for one in LOOSE["paths"][method.path]["get"]["parameters"]
        if one.get("in") == "query"
    }
    assert {name.partition(".")[0] for name in names} == {*method.request.__struct_fields__}


def test_objects_have_dots_and_arrays_commas_in_a_query() -> None:
    parameters = {
        one.get("name"): one for one in LOOSE["paths"]["/engagements.list"]["get"]["parameters"]
    }
    assert parameters["created_date.after"]["schema"]["format"] == "date-time"
    assert parameters["members"]["style"] == "form"
    assert parameters["members"]["explode"] is False
    assert LOOSE["paths"]["/engagements.get"]["get"]["parameters"][0]["required"] is True


@pytest.mark.parametrize("method", ALL)
def test_every_error_of_the_method_is_documented(method: Method) -> None:
    responses = LOOSE["paths"][method.path]["post"]["responses"]
    assert {*responses} == {*map(str, method.statuses)} | {
        str(kind.status) for kind in errors_of(method)
    }
    assert MethodNotAllowed not in errors_of(method)
    for kind in errors_of(method):
        schema = responses[str(kind.status)]["content"]["application/json"]["schema"]
        places = [one["$ref"] for one in schema.get("oneOf", [schema])]
        assert REF + kind.__name__ in places
        assert schema_of(kind.__name__)["properties"]["type"] == {"const": kind.type}


def test_stored_documents_stand_as_what_they_are() -> None:
    engagement = {"$ref": REF + "Engagement"}
    assert schema_of("EngagementsCreateResponse")["properties"]["engagement"] == engagement
    assert schema_of("EngagementsListResponse")["properties"]["engagements"] == {
        "type": "array",
        "items": engagement,
    }


def test_what_is_ours_is_marked_and_strict_leaves_it_out() -> None:
    assert schema_of("EngagementsListRequest")["properties"]["tags"][OURS] is True
    assert "tags" not in schema_of("EngagementsListRequest", STRICT)["properties"]
    assert "title" not in schema_of("Engagement", STRICT)["properties"]
    assert OURS not in str(STRICT)
    assert "Idempotency-Key" not in str(STRICT)


def test_a_write_takes_an_idempotency_key_and_engagements_expand_by_header() -> None:
    parameters = LOOSE["paths"]["/engagements.create"]["post"]["parameters"]
    names = {one["$ref"].rpartition("/")[2] for one in parameters}
    assert names == {"Idempotency-Key", "X-Rapport-Expand", "X-Devrev-Version"}


@pytest.mark.parametrize("doc", [LOOSE, STRICT], ids=["loose", "strict"])
@pytest.mark.parametrize("method", ALL)
def test_example_fits_the_schema(method: Method, doc: dict[str, Any]) -> None:
    if doc is STRICT and method.ours:
        assert method.path not in doc["paths"]
        return
    content = doc["paths"][method.path]["post"]["requestBody"]["content"]
    schema = {
        "$ref": f"urn:openapi#/paths/~1{method.name}/post/requestBody/content/application~1json/schema"
    }
    registry = REGISTRIES[doc is STRICT]
    jsonschema_rs.validate(schema, content["application/json"]["example"], registry=registry)


@pytest.mark.parametrize("name", sorted(LOOSE["components"]["schemas"]))
def test_no_schema_carries_a_pointer_of_the_code(name: str) -> None:
    assert "(behaviour:" not in str(schema_of(name))


@pytest.fixture(scope="module")
def facts() -> Any:
    if not FACTS.exists():
        pytest.skip("needs RAPPORT_UPSTREAM_FACTS, the documented API's own OpenAPI file")
    return yaml.load(FACTS.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@pytest.mark.parametrize("method", ALL)
def test_statuses_fields_and_requirements_are_the_documented_ones(
    method: Method, facts: Any
) -> None:
    operations = facts["paths"].get(method.path)
    assert operations or method.ours
    if not operations:
        return
    assert {*LOOSE["paths"][method.path]} == {*operations}
    theirs = operations["post"]
    assert {*STRICT["paths"][method.path]["post"]["responses"]} <= {*theirs["responses"]}
    schema = (
        theirs.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("schema", {})
    )
    names, required = fields_of(schema, facts)
    ours = schema_of(method.request.__name__, STRICT)
    assert {*ours.get("required", [])} == required
    assert {*ours["properties"]} <= names


def fields_of(schema: dict[str, Any], doc: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The names of all fields and of the required ones; works are opportunities, and what is
    written on timelines comments.
    """
    if "$ref" in schema:
        return fields_of(doc["components"]["schemas"][schema["$ref"].rpartition("/")[2]], doc)
    names, required = {*schema.get("properties", {})}, {*schema.get("required", [])}
    mapping = schema.get("discriminator", {}).get("mapping", {})
    served = [
        {"$ref": mapping[name]} for name in ("opportunity", "timeline_comment") if name in mapping
    ]
    for part in (*schema.get("allOf", []), *served):
        inner, needed = fields_of(part, doc)
        names |= inner
        required |= needed
    return names, required

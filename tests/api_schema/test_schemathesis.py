"""Schemathesis over the project's own OpenAPI document: whatever the document allows is
answered as the document says.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from rapport import __version__
from rapport.wire import openapi
from tests.support.resolving import Names, resolving
from tests.support.server import Server, document

Case = schemathesis.Case[Any]
LONGEST_QUERY = 60_000
DOCUMENT = openapi.document(version=__version__)
KINDS = ("ACC", "ARTIFACT", "DEVU", "ENGAGEMENT", "OPP", "REV", "REVU", "SVCACC", "SYSU", "TAG", "LINK",
         "COMMENT", "EVENT", "WEBHOOK", "DELIVERY")  # fmt: skip
schemathesis.openapi.format(
    "id",
    st.builds(
        "{}-{}".format, st.sampled_from(KINDS), st.sampled_from((1, 2, 12345, 12346, 10**17))
    ),
)
# The systematic cases of each field are tried for one family, in the body: the sweep tries bad
# values of every field of every method, and both forms of a method share their fields. They are
# twenty thousand requests otherwise.
_RANDOM_ONLY = {"phases": {"coverage": {"enabled": False}}}
SYSTEMATIC = schemathesis.Config.from_dict(
    {
        "operations": [
            {"include-method": "GET", **_RANDOM_ONLY},
            {"exclude-path-regex": "^/engagements", **_RANDOM_ONLY},
        ]
    }
)
schema = schemathesis.openapi.from_dict(DOCUMENT, config=SYSTEMATIC)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with objects that the document's examples name."""
    folder = tmp_path_factory.mktemp("schema")
    # Webhooks are made with whatever URL the document allows, and must lead nowhere.
    running = resolving(folder, Names(folder), "--demo")
    yield running
    assert running.stop() == 0
    assert "internal_error" not in running.logged()


def _depends_on_more_than_the_schema(path: str, body: dict[str, Any]) -> bool:
    """Whether a refusal is for a reason that JSON Schema can't say."""
    field, kind, reason = body.get("field_name", ""), body["type"], body.get("reason", "")
    return (
        # text is Unicode without NUL, in every field; JSON Schema takes 12.0 for an integer
        reason in {"must not contain the character U+0000", "must be a whole number"}
        # an id's kind, and whether there is such an object
        or kind in {"invalid_id", "unexpected_id_type"}
        # whether an artifact is still free
        or kind == "artifact_already_attached_to_a_parent"
        # a cursor is one that an earlier answer gave
        or (kind == "invalid_field" and field == "cursor")
        # a query says what it wants
        or (kind == "value_not_permitted" and field == "query")
        # what a list is sorted by stands in its store; a value in use and a tag's values stand in
        # the data
        or (
            kind == "value_not_permitted"
            and field.startswith(("sort_by[", "tags[", "email", "external_ref"))
        )
        # a whole number somewhere in a free-form object has 64 bits
        or (kind == "parse_error" and "64 bits" in body["message"])
        # only opportunities are works here; the other types are DevRev's
        or (kind == "value_not_permitted" and field == "type")
        # one way to say how long a token lives, scopes that there are, and fields that only say why
        # they are refused
        or (kind == "value_not_permitted" and path == "/auth-tokens.create")
        # what is referred to can't be deleted, a link has two ends, a rev org is of the account
        # that is named beside it
        or (kind == "value_not_permitted" and field in {"id", "target", "rev_org", "account"})
        # where a webhook may go, and which names a header may not have, each of them once
        or (
            kind == "value_not_permitted"
            and path.startswith("/webhooks.")
            and field.startswith(("url", "headers"))
        )
        # one delivery, or those of a webhook
        or (kind != "invalid_field" and path == "/webhook-deliveries.redeliver")
        # which fields of a date filter go together
        or "_date." in field
        # one of two fields, of which neither is required by itself
        or (kind == "missing_required_field" and body["detail"] == "Send id, or account.")
        # how far the feed goes and which versions a file has stand in the store; who reads a
        # private comment beside its visibility
        or (kind == "value_not_permitted" and field in {"after", "private_to", "version"})
        # an upsert of what is not there yet needs what a create needs
        or (kind == "missing_required_field" and path.endswith(".upsert"))
        # which time zones there are
        or (kind == "value_not_permitted" and field == "time_zone")
        # the same key with another body
        or (kind == "bad_request" and body["message"].startswith("Idempotency-Key"))
    )


@schemathesis.check
def positive_data_is_accepted(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> bool | None:
    # An array in a query is a comma list, and items with commas are not quoted by what writes the
    # query here.
    if case.method == "GET" and "%2C" in str(response.request.url):
        return None
    if response.status_code == 400 and _depends_on_more_than_the_schema(case.path, response.json()):
        return None
    accepted: bool | None = positive_data_acceptance(ctx, response, case)
    return accepted


@schemathesis.check
def negative_data_is_refused(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> bool | None:
    # The test below replaces Authorization, and an empty header is as none: so only queries and
    # bodies are held to this.
    if case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER):
        return None
    # An empty body is an empty object. The random bytes that stand for bad syntax are sometimes no
    # bytes.
    body = response.request.body
    if case.method == "POST" and (not isinstance(body, bytes | str) or not body.strip()):
        return None
    refused: bool | None = negative_data_rejection(ctx, response, case)
    return refused


def test_the_document_that_is_served_is_the_one_that_is_tested_here(demo: Server) -> None:
    assert document(demo.url) == DOCUMENT


@schema.parametrize()
@settings(max_examples=5, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.timeout(120)
def test_the_document_holds(case: Case, demo: Server) -> None:
    if len(str(case.query)) > LONGEST_QUERY:
        return  # A head of more than 64 KiB is no request.
    # These revoke their caller's tokens, so that each has one of its own.
    ends_its_token = case.path in {"/auth-tokens.delete", "/auth-tokens.self.delete"}
    token = (
        demo.run("users create", email=f"{uuid.uuid4()}@example.com")["token"]
        if ends_its_token
        else demo.token
    )
    case.headers["Authorization"] = f"Bearer {token}"
    # Replaced by the checks above, which leave out what no schema can foresee.
    case.call_and_validate(
        base_url=demo.url,
        additional_checks=[positive_data_is_accepted, negative_data_is_refused],
        excluded_checks=[positive_data_acceptance, negative_data_rejection],
    )

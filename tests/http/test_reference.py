"""The reference page: all of the API is on it, and nothing else is needed to read it."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from markupsafe import escape

from rapport.contract.kit.method import Method
from rapport.contract.table import METHODS
from rapport.http.reference.page import page
from rapport.wire.openapi import document, errors_of

DOCUMENT = document(version="1.2.3")
PAGE = page(DOCUMENT, nonce="n0nce")
ALL = [pytest.param(method, id=method.name) for method in METHODS.values()]
LOADING = {"src", "srcset", "action", "data", "poster", "background"}


class Reader(HTMLParser):
    """Collects elements, and checks that they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "input", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def elements() -> list[tuple[str, dict[str, str | None]]]:
    reader = Reader()
    reader.feed(PAGE)
    assert not reader.open
    return reader.elements


def section(method: Method) -> str:
    return PAGE.split(f'<article id="{method.name}"')[1].split("</article>")[0]


@pytest.mark.parametrize("method", ALL)
def test_every_method_stands_there_with_all_its_fields(method: Method) -> None:
    told = section(method)
    assert escape(method.summary) in told
    assert f"<code>{method.path}</code>" in told
    assert (method.scope or "Any token") in told
    for verb in method.verbs:
        assert f">{verb}</span>" in told
    for name in (*method.request.__struct_fields__, *method.response.__struct_fields__):
        assert f'<code class="name">{name}</code>' in told


@pytest.mark.parametrize("method", ALL)
def test_every_error_of_a_method_leads_to_what_it_means(method: Method) -> None:
    for kind in errors_of(method):
        assert f'href="#error-{kind.type}"' in section(method)
        assert f'id="error-{kind.type}"' in PAGE


def test_required_bounds_choices_and_what_is_ours_are_told() -> None:
    told = section(METHODS["engagements.create"])
    members = told.split(">members</code>")[1].split("</li>")[0]
    assert "required" in members
    assert "1 to 50 entries" in members
    assert "<code>linked_in</code>" in told
    assert "ours" in told.split(">expand</code>")[1].split("</li>")[0]


def test_a_field_of_several_alternatives_shows_all_its_values() -> None:
    by = (
        section(METHODS["accounts.get"])
        .split(">created_by</code>")[1]
        .split(">type</code>")[1]
        .split("</li>")[0]
    )
    assert all(
        f"<code>{kind}</code>" in by
        for kind in ("dev_user", "rev_user", "service_account", "sys_user")
    )


def test_curl_line_is_the_documentations_example() -> None:
    told = section(METHODS["engagements.create"])
    assert "DEVU-12345" in told
    assert "2023-01-01T12:00:00.000Z" in told


def test_nothing_is_loaded_from_anywhere(elements: list[tuple[str, dict[str, str | None]]]) -> None:
    for tag, attributes in elements:
        assert not LOADING & attributes.keys()
        target = attributes.get("href") or "#"
        assert target.startswith("#") or (tag == "link" and target == "data:,")
    assert not re.search(r"@import|url\(|import\s*\(|\bfrom\s+['\"]", PAGE)


def test_content_security_policy_can_be_strict(
    elements: list[tuple[str, dict[str, str | None]]],
) -> None:
    for tag, attributes in elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        if tag in {"style", "script"}:
            assert attributes == {"nonce": "n0nce"}
    assert [tag for tag, _ in elements if tag in {"style", "script"}] == ["style", "script"]
    assert "nonce" not in page(DOCUMENT)


def test_links_lead_somewhere_and_ids_are_unique(
    elements: list[tuple[str, dict[str, str | None]]],
) -> None:
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {str(attributes["href"])[1:] for tag, attributes in elements if tag == "a"}
    assert links <= {*ids}


def test_markup_in_the_document_stays_text() -> None:
    evil: dict[str, Any] = {
        **DOCUMENT,
        "info": {**DOCUMENT["info"], "description": "<script>`<b>`"},
    }
    assert "&lt;script&gt;<code>&lt;b&gt;</code>" in page(evil)

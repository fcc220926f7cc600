"""The reference: all of the API is on its pages, each is small, and nothing else is needed to read them."""

import base64
import hashlib
import json
import re
import zlib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from rapport.contract.kit.method import READ, Method
from rapport.contract.table import METHODS
from rapport.http.reference.guides import guide
from rapport.http.reference.page import Reference
from rapport.wire.openapi import document, errors_of

DOCUMENT = document(version="1.2.3")
REFERENCE = Reference(DOCUMENT)
GUIDES = Path(__file__).parents[2] / "docs" / "guide"
PAGES = [name for name in REFERENCE.names if name != "search.json"]
ALL = [pytest.param(method, id=method.name) for method in METHODS.values()]
MOST_NODES, MOST_BYTES = 3_000, 60_000
LOADING = {"src", "srcset", "action", "poster", "background"}
VOID = {"meta", "link", "input", "br", "hr"}


class Reader(HTMLParser):
    """Collects elements, and checks that they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@cache
def text(name: str) -> str:
    return REFERENCE.page(name)[1].decode()


@cache
def elements(name: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Reader()
    reader.feed(text(name))
    assert not reader.open
    return reader.elements


@pytest.mark.parametrize("method", ALL)
def test_every_method_stands_there_with_all_its_fields(method: Method) -> None:
    told = text(method.name)
    assert escape(method.summary) in told
    assert f"<code>{method.path}</code>" in told
    assert (method.scope or "Any token") in told
    for verb in method.verbs:
        assert f">{verb}</span>" in told
    for name in (*method.request.__struct_fields__, *method.response.__struct_fields__):
        assert f'<code class="name">{name}</code>' in told


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_small_on_the_wire_and_in_the_browser(name: str) -> None:
    assert len(zlib.compress(text(name).encode(), 9)) < MOST_BYTES
    assert len(elements(name)) < MOST_NODES


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_page_and_an_anchor_on_it(name: str) -> None:
    here = f"/base/docs/{name}" if name else "/base/docs"
    for tag, attributes in elements(name):
        target = str(attributes.get("href", ""))
        if tag != "a" or target.startswith("https://"):
            continue
        assert not target.startswith("/"), "it would leave the path of a proxy"
        path, _, anchor = target.partition("#")
        led = _resolved(here, path)
        if led in {"/base/openapi.json", "/base/docs"}:
            continue
        assert led.removeprefix("/base/docs/") in PAGES
        ids = [one.get("id") for _, one in elements(led.removeprefix("/base/docs/"))]
        assert not anchor or anchor in ids, target


def _resolved(here: str, path: str) -> str:
    parts = here.split("/")[:-1] if path else here.split("/")
    for part in path.split("/") if path else ():
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


@pytest.mark.parametrize("name", PAGES)
def test_ids_of_a_page_are_unique(name: str) -> None:
    ids = [attributes["id"] for _, attributes in elements(name) if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("method", ALL)
def test_every_error_of_a_method_leads_to_what_it_means(method: Method) -> None:
    for kind in errors_of(method):
        assert f'href="../docs/errors#{kind.type}"' in text(method.name)


def test_the_search_knows_every_page_by_its_fields() -> None:
    words = json.loads(text("search.json"))
    assert words.keys() == {*PAGES} - {""}
    for method in METHODS.values():
        for field in method.request.__struct_fields__:
            assert field in words[method.name]
    assert "upload" in words["guide/artifacts"]


def test_required_bounds_choices_and_what_is_ours_are_told() -> None:
    told = text("engagements.create")
    members = told.split(">members</code>")[1].split("</li>")[0]
    assert "required" in members
    assert "1 to 50 entries" in members
    assert "<code>linked_in</code>" in told
    assert "ours" in told.split(">expand</code>")[1].split("</li>")[0]


def test_a_field_of_several_alternatives_shows_all_its_values() -> None:
    by = (
        text("accounts.get")
        .split(">created_by</code>")[1]
        .split(">type</code>")[1]
        .split("</li>")[0]
    )
    assert all(
        f"<code>{kind}</code>" in by
        for kind in ("dev_user", "rev_user", "service_account", "sys_user")
    )


def test_curl_line_is_the_documentations_example() -> None:
    told = text("engagements.create")
    assert "DEVU-12345" in told
    assert "2023-01-01T12:00:00.000Z" in told


def test_only_examples_that_read_are_given_ids_of_ones_own() -> None:
    for method in METHODS.values():
        (form,) = [one for tag, one in elements(method.name) if tag == "form"]
        found = json.loads(str(form["data-ids"]))
        assert method.effect == READ or not found
        for source in found.values():
            assert source["method"] in {*METHODS, ""}
            assert source["make"] in METHODS


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_loaded_from_anywhere(name: str) -> None:
    for tag, attributes in elements(name):
        assert not LOADING & attributes.keys()
        assert tag != "link" or attributes["href"] == "data:,"
    assert not re.search(r"@import|url\(|import\s*\(", text(name).partition("<main")[0])


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_lets_through_the_one_style_and_script(name: str) -> None:
    for tag, attributes in elements(name):
        assert not any(one.startswith("on") or one == "style" for one in attributes)
        assert tag not in {"style", "script"} or not attributes
    for tag in ("style", "script"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text(name), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in REFERENCE.policy
    assert "unsafe" not in REFERENCE.policy


def test_markup_in_the_document_and_the_guides_stays_text() -> None:
    evil: dict[str, Any] = {
        **DOCUMENT,
        "info": {**DOCUMENT["info"], "description": "<script>`<b>`"},
    }
    assert "&lt;script&gt;<code>&lt;b&gt;</code>" in Reference(evil).page("")[1].decode()
    body = guide("evil", "# One\n\n<script>1</script> [x](javascript:alert(1))", set()).body
    assert "<script" not in body
    assert "href" not in body


def test_a_guides_link_to_what_is_not_served_becomes_text() -> None:
    body = guide(
        "one", "# One\n\n[a](two.md#b) [c](../decisions/1.md) [d](#e) [f](three.md)", {"two"}
    ).body
    assert re.findall(r'href="([^"]*)"', body) == ["two#b", "#e"]
    assert "c" in body


def test_every_guide_is_served() -> None:
    assert {f"guide/{file.stem}" for file in GUIDES.glob("*.md")} == {
        one for one in PAGES if one.startswith("guide/")
    }


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(one * 2 for one in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "papers"),
    [
        ("ink", "paper shade wash"), ("soft", "paper shade wash"), ("faint", "paper shade"), ("accent", "paper shade wash"),
        ("warn", "paper warn-wash"), ("gold", "gold-wash"), ("blue", "blue-wash"), ("panel-ink", "panel panel-bar"), ("send-ink", "send"),
        ("panel-soft", "panel panel-bar"), ("panel-good", "panel panel-bar"), ("panel-bad", "panel panel-bar"),
    ],
)  # fmt: skip
def test_text_stands_out_from_what_is_behind_it(theme: str, ink: str, papers: str) -> None:
    style = text("").partition("<style>")[2].partition("</style>")[0]
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    read = re.compile(r"--([a-z-]+): (#[0-9a-f]+)")
    colours = dict(read.findall(light)) | (dict(read.findall(dark)) if theme == "dark" else {})
    for paper in papers.split():
        low, high = sorted((_luminance(colours[ink]), _luminance(colours[paper])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, paper)

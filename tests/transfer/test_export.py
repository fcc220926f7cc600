"""`rapport export`: what goes out is what the API answers, as of one moment."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from rapport.transfer import csv_out, ics_out
from tests.support.backups import BYTES, Source
from tests.support.command import Ran, rapport

BOTH = pytest.mark.parametrize("source", ["sqlite", "postgres"], indirect=True)


def _export(source: Source, folder: Path, *options: str) -> Ran:
    where = [*source.options, "--user", source.alice.user, "--org", source.alice.org]
    return rapport(folder.parent, "export", str(folder), *where, *options, "--json")


def _over_http(source: Source, folder: Path, *options: str) -> Ran:
    where = ["--url", source.server.url, "--token", source.alice.token]
    return rapport(folder.parent, "export", str(folder), *where, *options, "--json")


def _lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _all(folder: Path) -> dict[str, Any]:
    return {file.name: _lines(file) for file in folder.glob("*.jsonl")}


@BOTH
def test_each_line_is_what_the_api_answers(source: Source, tmp_path: Path) -> None:
    manifest = _export(source, tmp_path / "out").json()
    alice, found = source.alice, _all(tmp_path / "out")
    listed = alice.ok("engagements.list", {"sort_by": ["created_date:asc"]})["engagements"]
    assert found["engagements.jsonl"] == listed
    (account,) = found["accounts.jsonl"]
    default = alice.ok("rev-orgs.get", {"account": account["id"]})["rev_org"]["id"]
    assert account == {
        **alice.ok("accounts.get", {"id": account["id"]})["account"],
        "default_rev_org": default,
    }
    assert found["works.jsonl"] == alice.ok("works.list")["works"]
    assert [entry["body"] for entry in found["timeline_entries.jsonl"]] == ["Two years."]
    assert [link["link_type"] for link in found["links.jsonl"]] == ["is_related_to"]
    counts = {name.removesuffix(".jsonl"): len(lines) for name, lines in found.items()}
    assert manifest["counts"] == counts
    assert manifest["sequence"] == alice.feed_end()


def test_files_lie_beside_each_content_once(source: Source, tmp_path: Path) -> None:
    assert _export(source, tmp_path / "out").json()["files"] == 2
    sha256 = hashlib.sha256(BYTES).hexdigest()
    assert (tmp_path / "out" / "files" / sha256).read_bytes() == BYTES
    hashes = [one.get("sha256") for one in _lines(tmp_path / "out" / "artifacts.jsonl")]
    assert hashes == [None, sha256, hashlib.sha256(b"").hexdigest(), sha256]


def test_over_http_it_is_the_same(source: Source, tmp_path: Path) -> None:
    mine = _export(source, tmp_path / "mine", "--deleted", "--events").json()
    theirs = _over_http(source, tmp_path / "theirs", "--deleted", "--events").json()
    assert _all(tmp_path / "mine") == _all(tmp_path / "theirs")
    assert mine["counts"] == theirs["counts"]
    counts = [source.alice.ok("engagements.count", {"deleted": one}) for one in (False, True)]
    assert mine["counts"]["engagements"] == sum(one["count"] for one in counts)
    assert mine["counts"]["events"] == source.alice.feed_end()


def test_nothing_of_another_org_goes_out(source: Source, tmp_path: Path) -> None:
    _export(source, tmp_path / "out", "--events").json()
    own = source.alice.org.removeprefix("DEV-")
    for file in (tmp_path / "out").glob("*.jsonl"):
        assert file.read_text().count(":devo/") == file.read_text().count(f":devo/{own}:")


def test_a_filter_is_the_one_of_the_list(source: Source, tmp_path: Path) -> None:
    options = ["--only", "engagements", "--where", 'engagements={"type": ["call"]}']
    assert _export(source, tmp_path / "out", *options).json()["counts"] == {"engagements": 1}


@BOTH
def test_an_increment_has_what_changed_and_what_is_gone(source: Source, tmp_path: Path) -> None:
    alice, since = source.alice, source.alice.feed_end()
    changed = alice.engagement(title="First")
    alice.ok("engagements.update", {"id": changed["id"], "title": "Then"})
    gone = alice.engagement()
    alice.ok("engagements.delete", {"id": gone["id"]})
    _export(source, tmp_path / "out", "--since", str(since)).json()
    assert _all(tmp_path / "out") == {
        "engagements.jsonl": [alice.ok("engagements.get", {"id": changed["id"]})["engagement"]],
        "gone.jsonl": [{"type": "engagement", "id": gone["id"]}],
    }
    alice.ok("engagements.delete", {"id": changed["id"]})


def test_csv_has_addresses_tags_and_short_ids(source: Source, tmp_path: Path) -> None:
    _export(source, tmp_path / "out", "--format", "csv").json()
    with (tmp_path / "out" / "engagements.csv").open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert row["members"].endswith(";rita@acme.example")
    assert (row["tags"], row["parents"]) == ("size=small", "ACC-1;OPP-1")
    assert row["title"] == "Kick-off"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'x"])
def test_no_text_in_a_cell_is_a_formula(text: str) -> None:
    assert csv_out.cell(text) == f"'{text}"
    assert csv_out.cell([text, "x"]).startswith("'")


def test_a_number_in_a_cell_stays_one() -> None:
    assert csv_out.cell(-1.5) == "-1.5"


def test_a_calendar_folds_long_lines_between_characters(tmp_path: Path) -> None:
    title = "Größe, 会議; " * 20
    with (tmp_path / "out.ics").open("wb") as file:
        calendar = ics_out.Calendar(file)
        made = {"id": "x", "title": title, "scheduled_date": "2026-01-01T10:00:00.000Z"}
        dates = dict.fromkeys(["created_date", "modified_date"], "2026-01-01T09:00:00.000Z")
        assert calendar.write(json.dumps({**made, **dates}).encode())
        assert not calendar.write(json.dumps({**dates, "id": "x", "title": "No date"}).encode())
        calendar.end()
    data = (tmp_path / "out.ics").read_bytes()
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    escaped = title.replace(",", "\\,").replace(";", "\\;")
    assert f"SUMMARY:{escaped}" in data.decode().replace("\r\n ", "")
    assert data.count(b"BEGIN:VEVENT") == 1


def test_a_folder_that_holds_something_is_refused(source: Source, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    assert "is not empty" in _export(source, tmp_path / "out").sentence()


def test_the_data_folder_is_no_place_for_it(source: Source) -> None:
    assert "in the data folder" in _export(source, source.server.data / "out").sentence()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "xml"], "--format"),
        (["--only", "webhooks"], "no family 'webhooks'"),
        (["--where", "engagements"], "FAMILY=JSON"),
        (["--where", 'engagements={"limit": 3}'], "no object of filters"),
        (["--where", 'engagements={"colour": "red"}'], "colour"),
        (["--since", "1", "--format", "csv"], "--since"),
        (["--since", "99999999"], "beyond the end"),
        (["--format", "ics", "--only", "tags"], "engagements and meetings"),
        (["--user", "nobody@example.com"], "nobody@example.com"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_go_out_is_said(
    source: Source, tmp_path: Path, options: list[str], said: str
) -> None:
    assert said in _export(source, tmp_path / "out", *options).sentence()
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_token_that_may_not_read_is_refused(source: Source, tmp_path: Path) -> None:
    viewer = source.server.make_user(source.alice, scope="engagement:read")
    where = ["--url", source.server.url, "--token", viewer.token]
    ran = rapport(tmp_path, "export", "out", *where)
    assert "lacks the scope" in ran.sentence()
    assert not (tmp_path / "out" / "manifest.json").exists()

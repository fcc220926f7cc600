"""`rapport import`: what comes in, what is refused, and that it can be done again and undone."""

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rapport.transfer.journal import InUse, Journals
from rapport.transfer.said import led, said, short
from tests.support.backups import Source
from tests.support.command import Ran, rapport
from tests.support.server import Client

_numbers = itertools.count(1)


class Place:
    """An org of a served store, and the commands that reach it through the server's socket."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.client = source.server.make_org(f"Dana's {next(_numbers)}")
        self.folder = folder
        self._options = [*source.options, "--org", self.client.org]

    def run(self, *arguments: str) -> Ran:
        return rapport(self.folder, *arguments, *self._options, "--json")

    def take(self, source: Path | str, form: str = "csv", *options: str) -> Any:
        return self.run("import", str(source), "--from", form, *options).json()

    def state(self, id_: str) -> str:
        listed = rapport(self.folder, "import", "list", *self._options[:-2], "--json").json()
        return next(str(run["state"]) for run in listed["imports"] if run["id"] == id_)

    def export(self, name: str) -> Path:
        self.run("export", name).json()
        return self.folder / name

    def table(self, text: str | bytes, name: str = "calls.csv") -> Path:
        file = self.folder / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def engagements(self) -> list[Any]:
        request = {"sort_by": ["created_date:asc", "title:asc"]}
        listed: list[Any] = self.client.ok("engagements.list", request)["engagements"]
        return listed


@pytest.fixture
def place(source: Source, tmp_path: Path) -> Place:
    return Place(source, tmp_path)


def figures(told: Any) -> tuple[int, int, int, int]:
    """New, changed, same, refused; they add up."""
    assert told["read"] == told["new"] + told["changed"] + told["same"] + told["refused"]
    return told["new"], told["changed"], told["same"], told["refused"]


# What was exported, imported again


_AUTHORS = ("created_by", "modified_by")


def _told(folder: Path, *, without: str = "") -> dict[str, list[bytes]]:
    """What an export says, with names in place of ids; without one of its people."""
    found: dict[str, list[Any]] = {
        file.stem: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for file in folder.glob("*.jsonl")
        if file.stem != "artifacts"
    }
    found["dev_users"] = [one for one in found["dev_users"] if one["email"] != without]
    names = {
        short(one["id"]): f"{family} {one.get('email') or one.get('title') or one['created_date']}"
        for family, objects in found.items()
        for one in objects
    }
    file = folder / "artifacts.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    artifacts = [json.loads(line) for line in lines]
    hashes = {one["id"]: [one["file"]["name"], one.get("sha256")] for one in artifacts}
    told = {}
    for family, objects in found.items():
        whole = []
        for one in objects:
            fields = led(said(family, one), names.get)
            files = [a if isinstance(a, str) else a["id"] for a in one.get("artifacts", ())]
            dates = [one["created_date"]]
            if family != "dev_users":  # who made themselves; and who is let in is changed by that
                dates += [one["modified_date"], *(names[short(one[by])] for by in _AUTHORS)]
            all_ = {**fields, "artifacts": [hashes[one] for one in files], "dates": dates}
            whole.append(msgspec.json.encode(all_, order="sorted"))
        told[family] = sorted(whole)
    return told


def _email(client: Client) -> str:
    email: str = client.ok("dev-users.self")["dev_user"]["email"]
    return email


def test_what_was_exported_and_imported_is_the_same(source: Source, place: Place) -> None:
    out = ("export", "out", *source.options, "--org", source.alice.org)
    rapport(place.folder, *out)
    told = place.take("out", "jsonl")
    assert figures(told)[1::2] == (0, 0)
    again = place.export("again")
    assert _told(again, without=_email(place.client)) == _told(place.folder / "out")
    again_told = place.take("out", "jsonl")
    assert figures(again_told) == (0, 0, told["read"], 0)


_text = st.text(min_size=1, max_size=20).filter(
    lambda text: any(one.isalnum() for one in text) and text.isprintable()
)
_date = st.datetimes(min_value=datetime(1971, 1, 1)).map(  # noqa: DTZ001  # hypothesis wants it so
    lambda date: date.isoformat(timespec="milliseconds") + "Z"
)
_value = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _text
_ENGAGEMENT = st.fixed_dictionaries(
    {"title": _text, "scheduled_date": _date},
    optional={
        "description": _text,
        "engagement_type": st.sampled_from(["call", "email", "offline"]),
        "custom_fields": st.dictionaries(_text, _value, max_size=3),
        "external_url": st.just("https://example.com/1?x=ü"),
    },
)
_MEETING = st.fixed_dictionaries(
    {
        "title": _text,
        "scheduled_date": _date,
        "channel": st.sampled_from(["zoom", "offline"]),
        "state": st.sampled_from(["completed", "scheduled"]),
    },
    optional={"description": _text, "recording_url": st.just("https://example.com/r")},
)


@settings(
    max_examples=4,
    deadline=None,
    # Each example takes a second.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
@given(
    engagements=st.lists(_ENGAGEMENT, max_size=6, unique_by=lambda one: str(one["title"])),
    meetings=st.lists(_MEETING, max_size=4, unique_by=lambda one: str(one["title"])),
)
def test_whatever_was_exported_and_imported_is_the_same(
    source: Source,
    tmp_path_factory: pytest.TempPathFactory,
    engagements: list[Any],
    meetings: list[Any],
) -> None:
    mine = Place(source, tmp_path_factory.mktemp("mine"))
    theirs = Place(source, tmp_path_factory.mktemp("theirs"))
    account = mine.client.ok("accounts.create", {"display_name": "Acme", "tier": "gold"})
    tag = mine.client.ok("tags.create", {"name": "size", "allowed_values": ["small"]})["tag"]
    more = {
        "members": [mine.client.user],
        "parents": [account["account"]["id"]],
        "tags": [{"id": tag["id"], "value": "small"}],
    }
    for one in engagements:
        mine.client.engagement(**one, **more)
    for one in meetings:
        mine.client.ok("meetings.create", {"members": [mine.client.user], **one})
    out = mine.export("out")
    told = theirs.take(out, "jsonl")
    assert figures(told)[1::2] == (0, 0)
    assert _told(theirs.export("out"), without=_email(theirs.client)) == _told(out)
    assert figures(theirs.take(out, "jsonl")) == (0, 0, told["read"], 0)


def test_rows_that_refer_to_rows_after_them_wait_for_these(place: Place) -> None:
    people = [("DEVU-1", "a@x.example", "DEVU-2"), ("DEVU-2", "b@x.example", None)]
    lines = [
        {"id": f"don:identity:dvrv-us-1:devo/X:devu/{id_[-1]}", "display_id": id_, "email": email,
         **({"reports_to": {"display_id": boss}} if boss else {}), "created_date": "2020-01-01T00:00:00Z"}
        for id_, email, boss in people
    ]  # fmt: skip
    folder = place.folder / "out"
    folder.mkdir()
    (folder / "dev_users.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert figures(place.take("out", "jsonl")) == (2, 0, 0, 0)
    users = {
        one["email"]: one for one in place.client.ok("dev-users.list", {"limit": 100})["dev_users"]
    }
    boss = users["a@x.example"]["reports_to"]["display_id"]
    assert boss == users["b@x.example"]["display_id"]


def test_what_refers_to_nothing_is_refused_with_the_reason(place: Place) -> None:
    line = {
        "id": "don:core:dvrv-us-1:devo/X:engagement/1", "display_id": "ENGAGEMENT-1", "title": "x",
        "members": ["don:identity:dvrv-us-1:devo/X:devu/77"], "scheduled_date": "2020-01-01T00:00:00Z",
        "created_date": "2020-01-01T00:00:00Z",
    }  # fmt: skip
    file = place.table(json.dumps(line) + "\nno json\n", "engagements.jsonl")
    told = place.take(file, "jsonl")
    assert figures(told) == (0, 0, 0, 2)
    refused = [json.loads(row) for row in Path(told["refused_file"]).read_text().splitlines()]
    assert {row["_reason"] for row in refused} == {
        "members: there is no DEVU-77 among what was imported.",
        "The line is no object of an export.",
    }


# Tables

CALLS = """\
Ref,Subject,Date,Type,Participants,Company,Mood,Owner
crm-1,First,2026-01-02T10:00:00Z,call,Ada@Initech.example;Bob,initech.example,good,me
crm-2,Second,2026-01-03T10:00:00+02:00,email,,Initech,,
"""


def test_columns_are_guessed_and_nothing_is_dropped(place: Place) -> None:
    file = place.table(CALLS.replace("Ref,", "External Ref,"))
    told = place.take(file, "csv", "--create-people")
    assert figures(told) == (2, 0, 0, 0)
    assert told["made"] == {"accounts": 2, "rev_users": 1}
    first, second = sorted(place.engagements(), key=lambda one: one["title"])
    assert first["custom_fields"] == {"people": ["Bob"], "Mood": "good", "Owner": "me"}
    assert first["engagement_type"] == "call"
    ada = place.client.ok("rev-users.list", {"email": ["ada@initech.example"]})["rev_users"][0]
    assert first["members"] == [ada["id"]]
    assert ada["rev_org"]["display_name"] == "initech.example"
    assert second["scheduled_date"] == "2026-01-03T08:00:00.000Z"
    assert second["members"][0].endswith("devu/" + place.client.user.partition("-")[2])


def test_without_being_told_to_nobody_is_made(place: Place) -> None:
    told = place.take(place.table(CALLS))
    assert (figures(told), told["made"]) == ((2, 0, 0, 0), {})
    first = min(place.engagements(), key=lambda one: one["title"])
    assert first["custom_fields"]["people"] == ["Ada@Initech.example", "Bob"]
    assert first["custom_fields"]["accounts"] == ["initech.example"]
    assert place.client.ok("rev-users.list")["rev_users"] == []


def test_the_same_again_changes_nothing_and_what_differs_is_changed(place: Place) -> None:
    file = place.table(CALLS.replace("Ref,", "External Ref,"))
    place.take(file, "csv", "--create-people")
    end = place.client.feed_end()
    assert figures(place.take(file, "csv", "--create-people")) == (0, 0, 2, 0)
    assert place.client.feed_end() == end
    file.write_text(file.read_text().replace("First", "Changed"))
    assert figures(place.take(file, "csv", "--create-people")) == (0, 1, 1, 0)


def test_a_row_without_a_ref_is_known_by_its_cells(place: Place) -> None:
    file = place.table("title,scheduled_date\nA,2026-01-01\nA,2026-01-01\nB,2026-01-01\n")
    assert figures(place.take(file)) == (2, 0, 1, 0)
    assert figures(place.take(file)) == (0, 0, 3, 0)


def test_what_is_refused_can_be_mended_and_fed_back(place: Place) -> None:
    file = place.table("title,scheduled_date\nA,tomorrow\n,2026-01-01\nC,2026-01-01\n")
    told = place.take(file)
    assert figures(told) == (1, 0, 0, 2)
    refused = Path(told["refused_file"])
    with refused.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["title"] for row in rows] == ["A", ""]
    assert "'tomorrow' is not a date-time" in rows[0]["import_reason"]
    assert "title" in rows[1]["import_reason"]
    mended = refused.read_text().replace("tomorrow", "2026-01-01").replace("\n,2026", "\nD,2026")
    assert figures(place.take(place.table(mended, "mended.csv"))) == (2, 0, 0, 0)


def test_a_mapping_is_written_then_read(place: Place) -> None:
    file = place.table("When;What;How;Secret\n02.03.2026 09:30;Tea;Phone;x\n")
    options = ("--map", "map.toml")
    ran = place.run("import", str(file), "--from", "csv", *options)
    assert (ran.code, place.engagements()) == (0, [])
    (place.folder / "map.toml").write_text(
        """
        delimiter = ";"
        zone = "Europe/Berlin"
        date_format = "%d.%m.%Y %H:%M"
        [columns]
        When = "scheduled_date"
        What = "title"
        How = "engagement_type"
        Secret = "-"
        [values.engagement_type]
        Phone = "call"
        [defaults]
        description = "From the old system"
        """
    )
    assert figures(place.take(file, "csv", *options)) == (1, 0, 0, 0)
    (one,) = place.engagements()
    assert one["scheduled_date"] == "2026-03-02T08:30:00.000Z"
    assert (one["engagement_type"], one["description"]) == ("call", "From the old system")
    assert "custom_fields" not in one


@pytest.mark.parametrize(
    ("text", "said_"),
    [
        ("family = 'cats'", "'cats' is none of"),
        ("zone = 'Mars/Base'", "no time zone 'Mars/Base'"),
        ("[columns]\nx = 'colour'", "no field 'colour'"),
        ("delimiter = ';;'", "not one character"),
        ("colour = 1", "colour"),
        ("not toml", "can't be read"),
    ],
)
def test_a_mapping_that_says_what_cannot_be_is_refused(place: Place, text: str, said_: str) -> None:
    (place.folder / "map.toml").write_text(text)
    file = place.table(CALLS)
    ran = place.run("import", str(file), "--from", "csv", "--map", "map.toml")
    assert said_ in ran.sentence()


def test_our_own_table_comes_back(source: Source, place: Place) -> None:
    out = ("export", "out", "--format", "csv", *source.options, "--org", source.alice.org)
    rapport(place.folder, *out)
    accounts = str(place.folder / "out" / "accounts.csv")
    into = (*source.options, "--org", source.alice.org, "--json")
    again = ("import", accounts, "--from", "csv", "--family", "accounts")
    assert figures(rapport(place.folder, *again, *into).json()) == (0, 0, 1, 0)
    titled = place.table(
        "title,scheduled_date,tags\n'=1+1,2026-01-01,size=small;new\n", "engagements.csv"
    )
    assert figures(place.take(titled, "csv", "--create-people")) == (1, 0, 0, 0)
    (one,) = place.engagements()
    assert one["title"] == "=1+1"
    assert sorted(one["tag_values"].values()) == ["small"]


# Hostile files

ROW = "title,scheduled_date\nFrüh,2026-01-01\n"


@pytest.mark.parametrize(
    "data",
    [
        ROW.encode(),
        ROW.encode("utf-8-sig"),
        ROW.encode("latin-1"),
        ROW.encode("utf-16"),
        ROW.encode("utf-16-le"),
        ROW.replace("\n", "\r\n").encode(),
    ],
    ids=["utf-8", "bom", "latin-1", "utf-16", "utf-16 without a mark", "crlf"],
)
def test_whatever_the_encoding_a_title_is_read(place: Place, data: bytes) -> None:
    assert figures(place.take(place.table(data))) == (1, 0, 0, 0)
    assert place.engagements()[0]["title"] == "Früh"


def test_a_row_that_is_too_long_is_refused_and_read_past(place: Place) -> None:
    long = "x" * (3 * 1024 * 1024)
    text = f"title,scheduled_date\nA,2026-01-01\n{long},2026-01-01\nC,2026-01-01\n"
    told = place.take(place.table(text))
    assert figures(told) == (2, 0, 0, 1)
    assert "longer than 1,048,576 bytes" in told["first"]["refused"]["reason"]


def test_a_quote_that_stays_open_spoils_no_more_than_its_row(place: Place) -> None:
    told = place.take(place.table('title,scheduled_date\nA,2026-01-01\n"B,2026-01-01\n'))
    assert figures(told) == (1, 0, 0, 1)
    assert "The row is no CSV" in told["first"]["refused"]["reason"]


def test_a_header_that_comes_twice_loses_nothing(place: Place) -> None:
    place.take(place.table("title,scheduled_date,note,note\nA,2026-01-01,x,y\n"))
    assert place.engagements()[0]["custom_fields"] == {"note": "x", "note (2)": "y"}


def test_rows_with_too_many_cells_are_refused(place: Place) -> None:
    told = place.take(place.table("title,scheduled_date\nA,2026-01-01,x\n"))
    assert "has 3 cells" in told["first"]["refused"]["reason"]


def test_very_many_columns_are_read(place: Place) -> None:
    names = ",".join(f"c{number}" for number in range(100_000))
    told = place.take(place.table(f"title,scheduled_date,{names}\nA,2026-01-01,x\n"))
    assert figures(told) == (1, 0, 0, 0)


@pytest.mark.parametrize(("data", "said_"), [(b"", "is empty"), (b"\n", "no header")])
def test_a_file_with_nothing_in_it_is_refused(place: Place, data: bytes, said_: str) -> None:
    ran = place.run("import", str(place.table(data)), "--from", "csv")
    assert said_ in ran.sentence()


def test_a_file_that_is_not_there_is_refused(place: Place) -> None:
    assert "there is no" in place.run("import", "nothing.csv", "--from", "csv").sentence()


# Trying, going on, taking back


def test_a_dry_run_says_what_would_happen_and_does_nothing(place: Place) -> None:
    file = place.table(CALLS + "x,,y,,,,,\n")
    before = place.client.everything()
    tried = place.take(file, "csv", "--create-people", "--dry-run")
    assert tried["dry_run"] is True
    assert place.client.everything() == before
    did = place.take(file, "csv", "--create-people")
    assert {name: tried[name] for name in ("new", "refused", "made", "first")} == {
        name: did[name] for name in ("new", "refused", "made", "first")
    }


def test_undo_leaves_the_org_as_it_was(place: Place) -> None:
    place.client.engagement(external_ref="crm-2", title="Mine", description="Kept")
    before = place.export("before")
    file = place.table(CALLS.replace("Ref,", "External Ref,"))
    told = place.take(file, "csv", "--create-people")
    assert figures(told) == (1, 1, 0, 0)
    undone = place.run("import", "undo", told["id"]).json()
    assert undone == {"id": told["id"], "gone": 4, "put_back": 1, "left": []}
    after = place.export("after")

    def stripped(folder: Path) -> Any:
        return {
            file.name: [
                {name: value for name, value in json.loads(line).items() if "modified" not in name}
                for line in file.read_text().splitlines()
            ]
            for file in folder.glob("*.jsonl")
        }

    assert stripped(after) == stripped(before)
    assert place.state(told["id"]) == "undone"


def test_undo_leaves_what_somebody_changed_and_says_so(place: Place) -> None:
    told = place.take(place.table(CALLS), "csv", "--create-people")
    first = min(place.engagements(), key=lambda one: one["title"])
    place.client.ok("engagements.update", {"id": first["id"], "description": "Mine now"})
    undone = place.run("import", "undo", told["id"]).json()
    reasons = {one["family"]: one["reason"] for one in undone["left"]}
    assert reasons["engagements"] == "Somebody has changed it since."
    assert [one["title"] for one in place.engagements()] == ["First"]
    assert place.client.ok("rev-users.list")["rev_users"] != []


def test_an_import_that_is_not_there_cannot_be_undone(place: Place) -> None:
    assert "no import IMPORT-99999" in place.run("import", "undo", "IMPORT-99999").sentence()


@pytest.fixture
def alone(tmp_path: Path) -> Callable[..., Any]:
    """Commands on a data folder that nobody serves."""
    rapport(tmp_path, "init", "--data", "data", "--org", "Acme", "--email", "alice@example.com")

    def run(*arguments: str) -> Any:
        return rapport(tmp_path, *arguments, "--data", "data", "--json").json()

    return run


def _many(file: Path, count: int) -> None:
    rows = (f"crm-{number},Call {number},2026-01-01" for number in range(count))
    file.write_text("\n".join(["external_ref,title,scheduled_date", *rows]))


def test_killed_in_the_middle_it_goes_on_with_the_same_figures(
    alone: Callable[..., Any], tmp_path: Path
) -> None:
    _many(tmp_path / "calls.csv", 1100)
    command = [sys.executable, "-m", "rapport", "import", "calls.csv", "--from", "csv"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    process = subprocess.Popen([*command, "--data", "data"], cwd=tmp_path, env=clean)
    pending = tmp_path / "data" / "imports" / "IMPORT-1" / "pending.json"
    while not pending.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    told = alone("import", "calls.csv", "--from", "csv")
    assert (told["id"], figures(told)) == ("IMPORT-1", (1100, 0, 0, 0))
    assert figures(alone("import", "calls.csv", "--from", "csv")) == (0, 0, 1100, 0)


def test_of_two_that_import_the_same_one_does(alone: Callable[..., Any], tmp_path: Path) -> None:
    journals = Journals(tmp_path / "imports")
    with journals.begin("csv", ["x"], "mark", "now"):
        with pytest.raises(InUse), journals.begin("csv", ["x"], "mark", "now"):
            pass
        with journals.begin("csv", ["x"], "another", "now") as other:
            other.keep()
    assert [run.id for run in journals.runs()] == ["IMPORT-1", "IMPORT-2"]


# Over HTTP


def _over_http(place: Place, token: str, *arguments: str) -> Ran:
    where = ["--url", place.client.server.url, "--token", token, "--json"]
    state = str(place.folder / "state")
    return rapport(place.folder, *arguments, *where, XDG_STATE_HOME=state)


def test_by_a_url_it_is_the_same(place: Place) -> None:
    file = str(place.table(CALLS))
    token = place.client.token
    told = _over_http(place, token, "import", file, "--from", "csv", "--create-people").json()
    assert figures(told) == (2, 0, 0, 0)
    again = _over_http(place, token, "import", file, "--from", "csv", "--create-people").json()
    assert figures(again) == (0, 0, 2, 0)
    undo = _over_http(place, token, "import", "undo", told["id"]).json()
    assert (undo["gone"], undo["left"]) == (5, [])


def test_dates_without_the_scope_are_refused_before_the_first_row(place: Place) -> None:
    file = place.table("title,scheduled_date,created_date\nA,2026-01-01,2020-01-01\n")
    plain = ("import", str(file), "--from", "csv")
    ran = _over_http(place, place.client.token, *plain)
    assert "takes the scope import" in ran.sentence()
    assert place.engagements() == []
    request = {"token_hint": "history", "scope": "import all"}
    token = place.client.ok("auth-tokens.create", request)["access_token"]
    assert figures(_over_http(place, token, *plain).json()) == (1, 0, 0, 0)
    assert place.engagements()[0]["created_date"] == "2020-01-01T00:00:00.000Z"


def test_a_server_that_is_away_is_said(place: Place) -> None:
    where = ["--url", "http://127.0.0.1:9", "--token", "x"]
    ran = rapport(place.folder, "import", str(place.table(ROW)), "--from", "csv", *where)
    assert "does not answer" in ran.sentence()

"""Flags over the environment over rapport.toml over the default."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.command import rapport


def _settings(folder: Path, *flags: str, **environment: str) -> Any:
    return rapport(folder, "settings", "--json", *flags, **environment).json()


def test_without_anything_said_the_defaults_hold(tmp_path: Path) -> None:
    found = _settings(tmp_path)
    assert {one["source"] for one in found.values()} == {"default"}
    assert (found["host"]["value"], found["port"]["value"], found["data"]["value"]) == (
        "127.0.0.1",
        "8080",
        "rapport-data",
    )
    assert (found["sync"]["value"], found["rate_limit"]["value"]) == ("full", "8000/60")
    assert not list(tmp_path.iterdir())


def test_each_source_is_over_the_next(tmp_path: Path) -> None:
    (tmp_path / "rapport.toml").write_text(
        'port = 1003\ndata = "from-file"\nstrict = true\ncors_origins = ["https://a.example", "https://b.example"]\n'
    )
    found = _settings(tmp_path)
    assert found["port"] == {"value": "1003", "source": "rapport.toml"}
    assert found["strict"] == {"value": "true", "source": "rapport.toml"}
    assert found["cors_origins"]["value"] == "https://a.example,https://b.example"
    found = _settings(tmp_path, RAPPORT_PORT="1002", RAPPORT_DATA="from-environment")
    assert found["port"] == {"value": "1002", "source": "RAPPORT_PORT"}
    found = _settings(tmp_path, "--data", "from-flag", RAPPORT_DATA="from-environment")
    assert found["data"] == {"value": "from-flag", "source": "--data"}


def test_a_value_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "limit").write_text("5/10\n")
    found = _settings(tmp_path, RAPPORT_RATE_LIMIT_FILE=str(tmp_path / "limit"))
    assert found["rate_limit"] == {"value": "5/10", "source": "RAPPORT_RATE_LIMIT_FILE"}
    gone = rapport(tmp_path, "settings", RAPPORT_RATE_LIMIT_FILE=str(tmp_path / "gone"))
    assert "RAPPORT_RATE_LIMIT_FILE" in gone.sentence()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    binary = rapport(tmp_path, "settings", RAPPORT_RATE_LIMIT_FILE=str(tmp_path / "binary"))
    assert "RAPPORT_RATE_LIMIT_FILE" in binary.sentence()


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "65536"), ("PORT", "http"), ("PORT", ""), ("RATE_LIMIT", "10"), ("RATE_LIMIT", "0/60"), ("RATE_LIMIT", "x/y"),
     ("STRICT", "maybe"), ("SYNC", "off"), ("DRAIN_SECONDS", "-1"), ("DRAIN_SECONDS", "nan")],
)  # fmt: skip
def test_a_wrong_value_is_one_sentence_that_names_it_and_its_source(
    tmp_path: Path, name: str, value: str
) -> None:
    said = rapport(tmp_path, "settings", **{f"RAPPORT_{name}": value}).sentence()
    assert f"{name.lower()} is {value!r} (from RAPPORT_{name}), but must be " in said


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "rapport.toml").write_text("port = \n")
    assert "rapport.toml" in rapport(tmp_path, "settings").sentence()


def test_an_unknown_name_is_one_warning(tmp_path: Path) -> None:
    ran = rapport(
        tmp_path, "settings", "--json", RAPPORT_PROT="1", RAPPORT_URL="http://x", RAPPORT_TOKEN="t"
    )
    assert ran.json()
    assert ran.err == "rapport: warning: there is no setting RAPPORT_PROT\n"
    (tmp_path / "rapport.toml").write_text("prot = 1\n")
    assert (
        rapport(tmp_path, "settings").err
        == "rapport: warning: rapport.toml: there is no setting 'prot'\n"
    )


def test_less_durable_than_the_default_warns(tmp_path: Path) -> None:
    ran = rapport(tmp_path, "settings", "--json", RAPPORT_SYNC="normal")
    assert ran.json()["sync"] == {"value": "normal", "source": "RAPPORT_SYNC"}
    assert "may be lost" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_the_table_for_people_names_every_setting(tmp_path: Path) -> None:
    ran = rapport(tmp_path, "settings")
    assert (ran.code, ran.err) == (0, "")
    for name in _settings(tmp_path):
        assert f"RAPPORT_{name.upper()} " in ran.out


def test_a_broken_setting_stops_no_copy_that_has_no_use_for_it(tmp_path: Path) -> None:
    rapport(tmp_path, "init", "--data", "one", "--org", "Acme", "--email", "alice@example.com")
    broken = {"RAPPORT_PORT": "http", "RAPPORT_SYNC": "maybe"}
    nowhere = "postgresql://127.0.0.1:1/nothing"
    said = rapport(tmp_path, "copy", "one", nowhere, "--json", **broken).sentence()
    assert "can't be opened" in said
    said = rapport(
        tmp_path, "copy", "one", nowhere, "--json", RAPPORT_DATABASE_POOLER="x"
    ).sentence()
    assert "must be none or transaction" in said


# Where rapport.toml lies


def test_the_data_folders_file_counts_for_less_than_the_working_folders(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    inner = tmp_path / "store" / "rapport.toml"
    inner.write_text('port = 1\nstrict = true\ndata = "elsewhere"\nprot = 1\n')
    (tmp_path / "rapport.toml").write_text('port = 2\ndata = "store"\n')
    ran = rapport(tmp_path, "settings", "--json")
    found = ran.json()
    assert found["port"] == {"value": "2", "source": "rapport.toml"}
    assert found["strict"] == {"value": "true", "source": "store/rapport.toml"}
    assert found["data"] == {"value": "store", "source": "rapport.toml"}
    assert ran.err == "rapport: warning: store/rapport.toml: there is no setting 'prot'\n"
    assert _settings(tmp_path, RAPPORT_PORT="3")["port"]["value"] == "3"
    (tmp_path / "rapport.toml").unlink()
    assert _settings(tmp_path, "--data", "store")["port"] == {
        "value": "1",
        "source": "store/rapport.toml",
    }
    assert _settings(tmp_path)["port"]["source"] == "default"


def test_a_file_that_is_named_is_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "rapport.toml").write_text('data = "store"\nstrict = true\n')
    (tmp_path / "own.toml").write_text("port = 5\n")
    for flags, variables in (
        (("--config", "own.toml"), {}),
        ((), {"RAPPORT_CONFIG": str(tmp_path / "own.toml")}),
    ):
        found = _settings(tmp_path, *flags, **variables)
        assert found["port"]["value"] == "5"
        assert (found["strict"]["source"], found["data"]["source"]) == ("default", "default")
    both = _settings(tmp_path, "--config", "own.toml", RAPPORT_CONFIG="none.toml")
    assert both["port"] == {"value": "5", "source": "own.toml"}


@pytest.mark.parametrize("named", ["none.toml", "", "rapport.toml/x"])
def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, named: str) -> None:
    (tmp_path / "rapport.toml").write_text("")
    assert (
        rapport(tmp_path, "settings", "--config", named).sentence().startswith("rapport: --config")
    )
    assert (
        rapport(tmp_path, "settings", RAPPORT_CONFIG=named)
        .sentence()
        .startswith("rapport: RAPPORT_CONFIG")
    )


def test_every_command_on_a_store_takes_the_file(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('data = "store"\n')
    first = ("init", "--org", "Acme", "--email", "alice@example.com")
    rest = (
        ("orgs", "list"),
        ("users", "list"),
        ("tokens", "list"),
        ("migrate",),
        ("call", "tags.list"),
    )
    for command in (first, *rest):
        ran = rapport(tmp_path, *command, "--config", "own.toml")
        assert (ran.code, ran.err) == (0, "")
    assert {one.name for one in tmp_path.iterdir()} == {"own.toml", "store"}


# Values as people write them


def test_a_quoted_tilde_is_the_home_folder(tmp_path: Path) -> None:
    made = ("init", "--org", "Acme", "--email", "alice@example.com")
    for flags, variables in ((("--data", "~/one"), {}), ((), {"RAPPORT_DATA": "~/two"})):
        assert rapport(tmp_path, *made, *flags, HOME=str(tmp_path / "home"), **variables).code == 0
    (tmp_path / "home" / "own.toml").write_text('data = "~/three"\n')
    assert rapport(tmp_path, *made, "--config", "~/own.toml", HOME=str(tmp_path / "home")).code == 0
    assert {one.name for one in (tmp_path / "home").iterdir()} == {
        "one",
        "two",
        "three",
        "own.toml",
    }


@pytest.mark.parametrize("name", ["DATA", "HOST"])
def test_an_empty_folder_or_address_is_not_the_nearest_one(tmp_path: Path, name: str) -> None:
    assert "must be a" in rapport(tmp_path, "settings", **{f"RAPPORT_{name}": ""}).sentence()


def test_the_table_for_people_names_what_each_takes(tmp_path: Path) -> None:
    said = rapport(tmp_path, "settings").out
    for words in (
        "Takes 0 to 65535.",
        "Takes full or normal.",
        "Takes seconds, 0.1 to 60.",
        "Takes on or off.",
    ):
        assert words in said

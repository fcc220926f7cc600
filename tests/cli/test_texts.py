"""Texts that the API would refuse are refused by each command, and what is no UTF-8 by all of
them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rapport.cli.main import cli
from tests.support.command import Ran, rapport
from tests.support.server import Server

LONG = "x" * 257
HUGE = "x" * 2_049
# A command, and what the sentence has to name.
REFUSED = [
    (("init", "--org", "", "--email", "a@b.example"), "org: ''"),
    (("init", "--org", " ", "--email", "a@b.example"), "org: ' '"),
    (("init", "--org", LONG, "--email", "a@b.example"), "these are 257"),
    (("init", "--org", "Acme", "--email", "not an email"), "email: 'not an email'"),
    (("serve", "--org", ""), "org: ''"),
    (("serve", "--email", "not an email"), "email: 'not an email'"),
    (("orgs", "create", "", "--email", "a@b.example"), "name: ''"),
    (("orgs", "create", LONG, "--email", "a@b.example"), "these are 257"),
    (("orgs", "create", "Second", "--email", "a b@c"), "email: 'a b@c'"),
    (("orgs", "rename", "Acme", " "), "name: ' '"),
    (("orgs", "rename", HUGE, "Acme"), "these are 2049"),
    (("orgs", "delete", HUGE, "--yes"), "these are 2049"),
    (("users", "list", "--org", HUGE), "these are 2049"),
    (("users", "create", "not an email"), "email: 'not an email'"),
    (("users", "create", f"{'x' * 250}@example.com"), "these are 262"),
    (("users", "create", "bob@example.com", "--name", " "), "name: ' '"),
    (("users", "create", "bob@example.com", "--name", LONG), "these are 257"),
    (("users", "create", "bob@example.com", "--role", "king"), "admin, member, viewer"),
    (("users", "role", "alice@example.com", "king"), "admin, member, viewer"),
    (("users", "role", HUGE, "admin"), "these are 2049"),
    (("users", "deactivate", HUGE), "these are 2049"),
    (("users", "activate", HUGE), "these are 2049"),
    (("users", "email", "DEVU-1", "not an email"), "email: 'not an email'"),
    (("tokens", "create", "--user", HUGE), "these are 2049"),
    (("tokens", "create", "--user", "DEVU-1", "--name", LONG), "these are 257"),
    (("tokens", "create", "--user", "DEVU-1", "--scope", ""), "scope: ''"),
    (("tokens", "list", "--user", HUGE), "these are 2049"),
    (("tokens", "revoke", HUGE), "these are 2049"),
    (("login", "--user", HUGE), "these are 2049"),
]
COMMANDS = [
    *(
        (command.name or command.callback.__name__,)
        for command in cli.registered_commands
        if command.callback
    ),
    *(
        (str(group.name), str(command.name))
        for group in cli.registered_groups
        if group.typer_instance
        for command in group.typer_instance.registered_commands
    ),
]


def _with(data: Path, *arguments: str) -> Ran:
    return rapport(data.parent, *arguments, "--data", str(data))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an org."""
    data = tmp_path_factory.mktemp("texts") / "data"
    assert _with(data, "init", "--org", "Acme", "--email", "alice@example.com").code == 0
    return data


def _is_first(arguments: tuple[str, ...]) -> bool:
    return arguments[0] in {"init", "serve"}


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=lambda value: " ".join(value)[:40])
def test_a_text_that_the_api_would_refuse_is_one_sentence(
    store: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    data = tmp_path / "data" if _is_first(arguments) else store
    assert words in _with(data, *arguments).sentence()
    assert list(tmp_path.iterdir()) == [], "nothing was begun"


def test_a_running_server_refuses_the_same_texts(server: Server) -> None:
    before = _with(server.data, "orgs", "list", "--json").json()
    for arguments, words in REFUSED:
        if not _is_first(arguments):
            assert words in _with(server.data, *arguments).sentence()
    assert _with(server.data, "orgs", "list", "--json").json() == before


def test_each_command_that_takes_texts_is_in_the_table() -> None:
    groups = {"backup", "doctor", "export", "import", "restore", "webhooks"}
    without = {("migrate",), ("settings",), ("copy",), ("call",), ("orgs", "list")} | {
        command for command in COMMANDS if command[0] in groups
    }
    covered = {arguments[: 1 if arguments[:1] in COMMANDS else 2] for arguments, _ in REFUSED}
    assert covered | without == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_argument_that_is_no_utf8_is_one_sentence(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    for place in (("--data", "caf\udce9"), ("caf\udce9",), ("caf\udce9", "--org", "x")):
        said = rapport(tmp_path, *command, *place).sentence()
        assert "is not UTF-8: b'caf\\xe9'" in said
    assert list(tmp_path.iterdir()) == []


def test_bytes_on_a_real_command_line_end_in_no_traceback(tmp_path: Path) -> None:
    command: list[str | bytes] = [
        sys.executable,
        "-m",
        "rapport",
        "init",
        "--org",
        b"caf\xe9",
        "--email",
        "a@b.example",
    ]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert ended.stderr == b"rapport: argument 3 is not UTF-8: b'caf\\xe9'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_password_in_such_an_argument_is_not_shown(tmp_path: Path) -> None:
    said = rapport(
        tmp_path, "migrate", "--database", "postgresql://u:s3cret@h/caf\udce9"
    ).sentence()
    assert "s3cret" not in said


@pytest.mark.parametrize(
    "name", ["RAPPORT_DATA", "RAPPORT_TOKEN", "RAPPORT_WEBHOOK_SECRET", "RAPPORT_CONFIG"]
)
def test_a_variable_that_is_no_utf8_is_one_sentence(tmp_path: Path, name: str) -> None:
    said = rapport(tmp_path, "call", "tags.list", **{name: "caf\udce9"}).sentence()
    assert said == f"rapport: {name} is not UTF-8"


def test_names_are_shown_as_they_are_and_are_no_markup(store: Path) -> None:
    assert (
        _with(store, "orgs", "create", "[red]Bérlin[/nope]", "--email", "b@example.com").code == 0
    )
    assert "[red]Bérlin[/nope]" in _with(store, "orgs", "list").out


def test_a_terminal_without_unicode_gets_escapes(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "rapport", "init", "--org", "Bérlin", "--email", "a@b.example"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert ended.returncode == 0, ended.stderr
    assert b"B\\xe9rlin" in ended.stdout


def test_call_refuses_what_the_api_would(store: Path) -> None:
    ran = _with(store, "call", "x" * 2_049, "--org", "Acme")
    assert (ran.code, json.loads(ran.out)["field_name"]) == (1, "method")


@pytest.mark.parametrize("method", ["tags list", "tags\x01list", "täg.list"])
def test_a_method_that_is_no_path_is_one_sentence(server: Server, method: str) -> None:
    said = rapport(
        server.data.parent, "call", method, "--url", server.url, "--token", "x"
    ).sentence()
    assert server.url in said

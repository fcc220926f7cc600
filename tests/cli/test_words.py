"""What commands say so that an operator knows what to do next."""

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import rapport, rapport_process
from tests.support.server import Client, Server

FIRST = ("init", "--org", "Acme", "--email", "alice@example.com")


def _said(data: Path, *flags: str) -> str:
    """What a start prints until it serves."""
    command = [sys.executable, "-m", "rapport", "serve", "--data", str(data), "--port", "0", *flags]
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if "serves http" in line:
                    break
        finally:
            process.kill()
    return "".join(lines)


def test_the_first_org_and_its_admin_are_named_by_options(data: Path) -> None:
    server = Server(data, "--org", "Acme & Co", "--email", "alice@example.com")
    assert (
        Client(server, server.token).ok("dev-users.self")["dev_user"]["email"]
        == "alice@example.com"
    )
    assert (
        rapport(data.parent, "orgs", "list", "--data", str(data), "--json").json()["orgs"][0][
            "name"
        ]
        == "Acme & Co"
    )
    assert server.stop() == 0


def test_a_second_start_says_how_to_get_a_token(data: Path) -> None:
    rapport(data.parent, *FIRST, "--data", str(data))
    said = _said(data)
    assert "rpt_" not in said
    assert "--demo" not in said
    hint = next(line for line in said.splitlines() if line.startswith("For a token: "))
    assert hint == f"For a token: rapport tokens create --user alice@example.com --data {data}"
    assert rapport(data.parent, *hint.removeprefix("For a token: rapport ").split()).code == 0
    assert f"For a link into the console: rapport login --data {data}" in said.splitlines()


def test_the_demo_on_used_data_says_that_it_changes_nothing(data: Path) -> None:
    rapport(data.parent, *FIRST, "--data", str(data))
    assert f"{data} is in use already: --demo changes nothing there." in _said(data, "--demo")
    assert (
        len(rapport(data.parent, "orgs", "list", "--data", str(data), "--json").json()["orgs"]) == 1
    )


def test_what_only_a_first_start_heeds_is_named_at_a_later_one(data: Path) -> None:
    rapport(data.parent, *FIRST, "--data", str(data))
    token = str(data.parent / "token")
    said = _said(data, "--org", "Other", "--token-file", token)
    assert "is in use already: --org and --token-file change nothing there." in said
    assert not Path(token).exists()
    assert rapport(data.parent, "orgs", "list", "--data", str(data)).out.count("Acme") == 1


def test_with_several_orgs_the_hint_names_none_of_them(data: Path) -> None:
    rapport(data.parent, *FIRST, "--data", str(data))
    rapport(
        data.parent, "orgs", "create", "Second", "--email", "b@example.com", "--data", str(data)
    )
    assert "rapport tokens create --user EMAIL --org ORG" in _said(data)


def test_the_demo_takes_no_org_of_ones_own(tmp_path: Path) -> None:
    assert "--demo" in rapport(tmp_path, "serve", "--demo", "--org", "Acme").sentence()
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_names_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = rapport_process(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
    assert (
        "Address already in use; choose another port with --port or RAPPORT_PORT" in ran.sentence()
    )


def test_a_taken_port_of_a_receiver_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = rapport(tmp_path, "webhooks", "listen", port).sentence()
    assert said.endswith("Address already in use; choose another port, or --host")


def test_a_server_that_is_not_there_is_told_without_innards(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1"
    said = rapport(tmp_path, "call", "tags.list", "--url", url, "--token", "x").sentence()
    assert said == f"rapport: {url} does not answer: Connection refused"


@pytest.mark.parametrize("host", ["..", "192.0.2.1"])
def test_an_address_that_is_not_here_names_its_setting(tmp_path: Path, host: str) -> None:
    ran = rapport_process(tmp_path, "serve", "--port", "0", "--host", host)
    assert "choose another address with --host or RAPPORT_HOST" in ran.sentence()


def test_an_ipv6_address_may_come_in_brackets(data: Path) -> None:
    server = Server(data, "--host", "[::1]")
    assert server.url == f"http://[::1]:{server.port}"
    assert server.http.get(f"{server.url}/healthz").status_code == 200
    assert server.stop() == 0


@pytest.mark.parametrize("command", [FIRST, ("serve", "--port", "0")], ids=["init", "serve"])
def test_a_file_in_the_data_folders_place_is_called_one(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "data").write_text("mine")
    ran = rapport_process(tmp_path, *command, "--data", "data")
    assert (
        ran.sentence()
        == "rapport: the data folder data can't be used: there is a file of that name"
    )
    assert "no store in data" in rapport(tmp_path, "users", "list", "--data", "data").sentence()
    assert (tmp_path / "data").read_text() == "mine"


def test_a_database_that_is_not_reached_is_named_host_by_host(tmp_path: Path) -> None:
    url = "postgresql://rapport:s3cret@127.0.0.1:1,localhost:2/rapport"
    said = rapport(tmp_path, "users", "list", "--database", url).sentence()
    assert "127.0.0.1:1: " in said
    assert "localhost:2: " in said
    assert "s3cret" not in said
    said = rapport(
        tmp_path, "users", "list", "--database", "postgresql:///x?host=/nowhere"
    ).sentence()
    assert "/nowhere: " in said


@pytest.mark.parametrize("path", ["/engagements.create", "/events", "/openapi.json"])
def test_a_preflight_learns_the_setting_that_would_answer_it(server: Server, path: str) -> None:
    answer = server.http.options(f"{server.url}{path}")
    assert answer.status_code == 405
    assert "RAPPORT_CORS_ORIGINS" in answer.json()["detail"]
    other = server.http.put(f"{server.url}{path}")
    assert (other.status_code, "CORS" in other.text) == (405, False)


# Help and completion


def test_help_names_no_type_for_what_takes_nothing(tmp_path: Path) -> None:
    for command in ((), ("serve",), ("users", "list"), ("users",), ("webhooks", "verify")):
        assert "bool" not in rapport(tmp_path, *command, "--help").out.lower()


def test_a_shell_completes_commands_and_options(tmp_path: Path) -> None:
    asked = {"_RAPPORT_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    assert rapport_process(tmp_path, **asked, COMP_WORDS="rapport se").out.split() == [
        "serve",
        "settings",
    ]
    asked["COMP_CWORD"] = "2"
    assert "--token-file" in rapport_process(tmp_path, **asked, COMP_WORDS="rapport serve --").out
    said = rapport_process(
        tmp_path, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
    assert "_RAPPORT_COMPLETE" in said.out


# --token-file


def test_a_new_token_goes_into_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    commands = {
        "one": FIRST,
        "two": ("orgs", "create", "Second", "--email", "b@example.com"),
        "three": ("users", "create", "carol@example.com", "--org", "Acme"),
        "four": ("tokens", "create", "--user", "DEVU-1", "--org", "Acme"),
    }
    for name, command in commands.items():
        made = rapport(tmp_path, *command, "--token-file", name, "--json").json()
        assert (tmp_path / name).read_text() == f"{made['token']}\n"
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_servers_first_token_goes_into_a_file(data: Path) -> None:
    file = data.parent / "token"
    server = Server(data, "--token-file", str(file))
    assert file.read_text() == f"{server.token}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    asked = {"RAPPORT_URL": server.url, "RAPPORT_TOKEN_FILE": str(file)}
    answer = rapport(data.parent, "call", "dev-users.self", **asked)
    assert json.loads(answer.out)["dev_user"]["email"] == "admin@example.com"
    server.restart()
    assert server.stop() == 0


def test_a_file_that_exists_is_kept_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("mine")
    for name, why in (("token", "exists already"), ("none/token", "there is no folder none")):
        assert why in rapport(tmp_path, *FIRST, "--token-file", name).sentence()
    ran = rapport_process(tmp_path, "serve", "--port", "0", "--token-file", "token")
    assert "exists already" in ran.sentence()
    assert (tmp_path / "token").read_text() == "mine"
    assert rapport(tmp_path, *FIRST).code == 0, "no org was made"

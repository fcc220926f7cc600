"""Every command, without a server and through a running one."""

import json
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from rapport import __version__
from rapport.cli.main import cli
from tests.support.command import Ran, rapport, rapport_process
from tests.support.server import Client, Server

GROUPS = {
    "backup": ("make", "verify", "list", "prune"),
    "import": ("run", "list", "undo"),
    "orgs": ("create", "list", "rename", "delete"),
    "tokens": ("create", "list", "revoke"),
    "users": ("list", "create", "role", "email", "deactivate", "activate"),
    "webhooks": ("verify", "listen"),
}
SINGLE = (
    "init",
    "login",
    "serve",
    "migrate",
    "call",
    "settings",
    "copy",
    "restore",
    "export",
    "doctor",
)


@pytest.fixture
def made(data: Path) -> Any:
    """What `init` printed about a new folder."""
    return rapport(
        data.parent,
        "init",
        "--data",
        str(data),
        "--org",
        "Acme",
        "--email",
        "alice@example.com",
        "--json",
    ).json()


def _with(data: Path, *arguments: str) -> Ran:
    return rapport(data.parent, *arguments, "--data", str(data))


def test_every_command_is_listed_here() -> None:
    assert {
        command.name or command.callback.__name__
        for command in cli.registered_commands
        if command.callback
    } == set(SINGLE)
    assert {group.name for group in cli.registered_groups} == set(GROUPS)


@pytest.mark.parametrize(
    "command",
    [
        (),
        *((name,) for name in SINGLE),
        *((group, name) for group, names in GROUPS.items() for name in names),
    ],
    ids=" ".join,
)
def test_help_says_what_a_command_is_for(tmp_path: Path, command: tuple[str, ...]) -> None:
    ran = rapport(tmp_path, *command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert " ".join(("Usage: rapport", *command)) in ran.out
    assert not list(tmp_path.iterdir())


def test_version(tmp_path: Path) -> None:
    assert rapport_process(tmp_path, "--version") == (0, f"rapport {__version__}\n", "")


def test_init_makes_an_org_its_admin_and_a_token(data: Path, made: Any) -> None:
    assert set(made) == {"org", "user", "token"}
    assert made["org"]["name"] == "Acme"
    assert made["org"]["display_id"] == "DEV-" + made["org"]["id"].rpartition("/")[2]
    assert made["user"] == {
        "id": f"{made['org']['id']}:devu/1",
        "display_id": "DEVU-1",
        "email": "alice@example.com",
    }
    assert made["token"].startswith("rpt_")
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_init_without_json_tells_people(data: Path) -> None:
    ran = rapport(
        data.parent, "init", "--data", str(data), "--org", "Acme", "--email", "alice@example.com"
    )
    assert (ran.code, ran.err) == (0, "")
    assert "rpt_" in ran.out
    assert "shown this once" in ran.out


def test_init_on_a_used_folder_refuses(data: Path, made: Any) -> None:
    again = rapport(
        data.parent,
        "init",
        "--data",
        str(data),
        "--org",
        "Other",
        "--email",
        "bob@example.com",
        "--json",
    )
    assert "is in use already" in again.sentence()
    assert len(_with(data, "orgs", "list", "--json").json()["orgs"]) == 1


def test_a_command_without_a_store_says_how_to_make_one(data: Path) -> None:
    assert "rapport init" in _with(data, "users", "list", "--json").sentence()
    assert not data.exists()


def _drive(data: Path) -> None:
    """Use every operator's command on a folder that holds the org Acme."""
    bob = _with(data, "users", "create", "bob@example.com", "--name", "Bob", "--json").json()
    assert bob["user"]["display_id"] == "DEVU-2"
    assert bob["user"]["role"] == "member"
    assert bob["token"].startswith("rpt_")
    assert (
        _with(data, "users", "role", "bob@example.com", "viewer", "--json").json()["user"]["role"]
        == "viewer"
    )
    listed = _with(data, "users", "list", "--json").json()["users"]
    assert [(user["email"], user["role"], user["state"]) for user in listed] == [
        ("alice@example.com", "admin", "active"),
        ("bob@example.com", "viewer", "active"),
    ]
    token = _with(
        data, "tokens", "create", "--user", "DEVU-2", "--scope", "engagement:read", "--json"
    ).json()
    tokens = _with(data, "tokens", "list", "--user", "bob@example.com", "--json").json()["tokens"]
    assert [one["display_id"] for one in tokens][-1] == token["display_id"]
    assert "rpt_" not in json.dumps(tokens)
    assert _with(data, "tokens", "revoke", token["display_id"], "--json").json()["revoked"] is True
    assert token["display_id"] in _with(data, "tokens", "revoke", token["display_id"]).sentence()
    assert (
        _with(data, "users", "deactivate", "DEVU-2", "--json").json()["user"]["state"]
        == "deactivated"
    )
    second = _with(
        data, "orgs", "create", "Second", "--email", "carol@example.com", "--json"
    ).json()
    assert {org["name"] for org in _with(data, "orgs", "list", "--json").json()["orgs"]} == {
        "Acme",
        "Second",
    }
    assert "--org" in _with(data, "users", "list").sentence()
    assert len(_with(data, "users", "list", "--org", "Second", "--json").json()["users"]) == 1
    assert (
        len(
            _with(data, "users", "list", "--org", second["org"]["display_id"], "--json").json()[
                "users"
            ]
        )
        == 1
    )
    for table, word in (
        (("users", "list", "--org", "Acme"), "alice@example.com"),
        (("orgs", "list"), "Second"),
        (("tokens", "list", "--org", "Acme"), "TOKEN-1"),
    ):
        ran = _with(data, *table)
        assert (ran.code, ran.err) == (0, "")
        assert word in ran.out


def test_every_operators_command_works_without_a_server(data: Path, made: Any) -> None:
    _drive(data)


def test_every_operators_command_works_through_a_running_server(data: Path, made: Any) -> None:
    server = Server(data)
    assert stat.S_IMODE((data / "control.sock").stat().st_mode) == 0o600
    _drive(data)
    assert server.stop() == 0


def test_what_a_command_changes_counts_at_once_in_the_running_server(server: Server) -> None:
    alice = server.make_org("At once")
    bob = server.make_user(alice)
    assert bob.call("engagements.count").status == 200
    assert (
        rapport(
            server.data.parent,
            "users",
            "deactivate",
            bob.user,
            "--org",
            alice.org,
            "--data",
            str(server.data),
        ).code
        == 0
    )
    assert bob.call("engagements.count").status == 403
    tokens = server.run("tokens list", user=alice.user, org=alice.org)["tokens"]
    server.run("tokens revoke", token=tokens[0]["display_id"], org=alice.org)
    assert alice.call("engagements.count").status == 401


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("users", "create", "alice@example.com"), "in use"),
        (("users", "role", "alice@example.com", "king"), "'king'"),
        (("users", "role", "nobody@example.com", "admin"), "nobody@example.com"),
        (("users", "list", "--org", "Nowhere"), "Nowhere"),
        (("tokens", "create", "--user", "DEVU-1", "--scope", "engagement:own"), "engagement:own"),
        (("tokens", "revoke", "DEVU-1"), "DEVU-1"),
        (("tokens", "revoke", "TOKEN-99"), "TOKEN-99"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_one_sentence(
    data: Path, made: Any, arguments: tuple[str, ...], words: str
) -> None:
    assert words in _with(data, *arguments).sentence()


def test_migrate_says_that_the_store_is_up_to_date(data: Path, made: Any) -> None:
    assert _with(data, "migrate").out == f"The store in {data} is up to date.\n"


def test_a_writing_command_is_refused_while_the_folder_is_held_by_another(
    server: Server,
) -> None:
    assert "another process holds the data folder" in _with(server.data, "migrate").sentence()


def test_a_killed_servers_stale_socket_does_not_matter(data: Path, made: Any) -> None:
    server = Server(data)
    server.kill()
    assert (data / "control.sock").exists()
    assert _with(data, "users", "list", "--json").json()["users"]
    server.start()
    assert _with(data, "users", "list", "--json").json()["users"]
    assert server.stop(signal.SIGTERM) == 0


# rapport call


def test_call_works_without_a_server(data: Path, made: Any) -> None:
    body = {"members": ["DEVU-1"], "scheduled_date": "2023-01-01T12:00:00Z", "title": "Über"}
    created = _with(data, "call", "engagements.create", json.dumps(body))
    assert created.code == 0
    assert json.loads(created.out)["engagement"]["title"] == "Über"
    assert "Über" in created.out
    listed = _with(data, "call", "engagements.list", '{"limit": 3}')
    assert [one["display_id"] for one in json.loads(listed.out)["engagements"]] == ["ENGAGEMENT-1"]


def test_call_works_through_a_running_server(server: Server) -> None:
    alice = server.make_org("Called")
    made = alice.engagement(title="by HTTP")
    ran = _with(server.data, "call", "engagements.list", '{"limit": 3}', "--org", alice.org)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["engagements"] == [made]
    acting = server.make_user(alice)
    own = {"members": [acting.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "x"}
    ran = _with(
        server.data,
        "call",
        "engagements.create",
        json.dumps(own),
        "--org",
        alice.org,
        "--user",
        acting.user,
    )
    assert json.loads(ran.out)["engagement"]["created_by"]["display_id"] == acting.user


def test_call_works_over_http_with_a_token(tmp_path: Path, server: Server, alice: Client) -> None:
    made = alice.engagement()
    named = {"RAPPORT_URL": server.url, "RAPPORT_TOKEN": alice.token}
    ran = rapport(tmp_path, "call", "engagements.get", json.dumps({"id": made["id"]}), **named)
    assert (ran.code, ran.err, json.loads(ran.out)) == (0, "", {"engagement": made})
    flags = ("--url", f"{server.url}/", "--token", alice.token)
    assert json.loads(rapport(tmp_path, "call", "engagements.count", *flags).out) == {"count": 1}
    assert not list(tmp_path.iterdir())
    (tmp_path / "token").write_text(f"{alice.token}\n")
    named = {"RAPPORT_URL": server.url, "RAPPORT_TOKEN_FILE": str(tmp_path / "token")}
    assert json.loads(rapport(tmp_path, "call", "engagements.count", **named).out) == {"count": 1}
    ran = rapport(tmp_path, "call", "engagements.count", RAPPORT_TOKEN_FILE=str(tmp_path / "none"))
    assert ran.sentence().startswith("rapport: RAPPORT_TOKEN_FILE")


def test_calls_refusal_is_printed_and_ends_with_1(
    tmp_path: Path, data: Path, made: Any, server: Server, alice: Client
) -> None:
    over_http = rapport(
        tmp_path, "call", "engagements.get", "{}", "--url", server.url, "--token", alice.token
    )
    local = _with(data, "call", "engagements.get", "{}")
    assert over_http.code == local.code == 1
    assert json.loads(over_http.out) == json.loads(local.out)
    assert json.loads(local.out)["type"] == "missing_required_field"
    for wrong in (("engagements.fly", "{}"), ("engagements.list", "no json")):
        ran = _with(data, "call", *wrong)
        assert (ran.code, ran.err) == (1, "")
        assert json.loads(ran.out)["type"] in {"not_found", "parse_error"}


def test_call_to_nobody_is_one_sentence(tmp_path: Path, unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}"
    assert (
        url
        in rapport(tmp_path, "call", "engagements.list", "--url", url, "--token", "x").sentence()
    )


def test_call_to_something_that_is_not_rapport_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(
                    b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\nconnection: close\r\n\r\n<h1>"
                )

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ran = rapport(tmp_path, "call", "engagements.list", "--url", url, "--token", "x")
        thread.join()
    assert url in ran.sentence()


def test_a_broken_command_on_the_socket_is_cut_off_and_the_server_goes_on(
    server: Server, alice: Client
) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(server.data / "control.sock"))
        connection.sendall(b"no json\n")
        connection.settimeout(5)
        assert connection.recv(100) == b""
    assert alice.call("engagements.count").status == 200


# Streams


def test_logs_are_json_lines_on_standard_error_without_the_token(data: Path) -> None:
    server = Server(data)
    assert server.stop() == 0
    lines = server.logged().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["serving", "stopped"]
    assert server.token
    assert server.token not in server.logged()


# Start-up


def test_commands_load_nothing_that_only_a_server_needs() -> None:
    heavy = ["apsw", "asyncio", "rich", "starlette", "structlog", "urllib.request", "uvicorn"]
    code = f"import sys, rapport.cli.main; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"

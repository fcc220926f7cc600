"""Orgs on the command line: renamed and deleted, on the store itself and through its server."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Ran, rapport
from tests.support.server import Client, Server

QUESTION = "All that Acme has will be gone for good. Its name, to go on: "


def _with(data: Path, *arguments: str) -> Ran:
    return rapport(data.parent, *arguments, "--data", str(data))


@pytest.fixture
def made(data: Path) -> Any:
    """What `init` printed about a new folder."""
    return _with(data, "init", "--org", "Acme", "--email", "a@b.example", "--json").json()


def _names(data: Path) -> list[str]:
    return [one["name"] for one in _with(data, "orgs", "list", "--json").json()["orgs"]]


def _type(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_the_first_org_gets_another_name_and_its_admin_another_email(
    data: Path,
) -> None:
    server = Server(data)
    admin = Client(server, server.token)
    assert _with(data, "orgs", "rename", "My org", "Acme").out.endswith("is now Acme.\n")
    said = _with(data, "users", "email", "admin@example.com", "alice@acme.example")
    assert said.out == "DEVU-1 is now alice@acme.example.\n"
    assert admin.ok("dev-orgs.get")["dev_org"]["display_name"] == "Acme"
    assert admin.ok("dev-users.self")["dev_user"]["email"] == "alice@acme.example"
    assert server.stop() == 0
    assert _names(data) == ["Acme"]
    renamed = _with(data, "orgs", "rename", "Acme", "Acme & Co", "--json").json()
    assert renamed["org"]["name"] == "Acme & Co"
    assert _names(data) == ["Acme & Co"]


def test_an_org_is_deleted_once_its_name_was_typed_again(
    data: Path, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with(data, "orgs", "create", "Second", "--email", "b@b.example")
    _type(monkeypatch, "Second\n")
    refused = _with(data, "orgs", "delete", "Acme")
    assert (refused.code, refused.out) == (1, "")
    org = made["org"]["display_id"]
    assert refused.err == (
        f"{QUESTION}rapport: {org} is not called 'Second': nothing was deleted\n"
    )
    assert _names(data) == ["Acme", "Second"]
    _type(monkeypatch, "Acme\n")
    ran = _with(data, "orgs", "delete", "Acme")
    assert (ran.code, ran.out, ran.err) == (0, f"Acme ({org}) is deleted.\n", QUESTION)
    assert _names(data) == ["Second"]


def test_where_nobody_answers_nothing_is_deleted(
    data: Path, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _type(monkeypatch, "")
    ran = _with(data, "orgs", "delete", made["org"]["display_id"])
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == (
        "rapport: nobody answered, so nothing was done: --yes goes on without asking"
    )
    assert _names(data) == ["Acme"]


def test_a_script_deletes_through_a_running_server(server: Server) -> None:
    org = server.make_org("Going")
    gone = _with(server.data, "orgs", "delete", org.org, "--yes", "--json").json()
    assert (gone["org"]["display_id"], gone["org"]["name"]) == (org.org, "Going")
    assert gone["deleted"] is True
    assert org.call("dev-users.self").status == 401
    assert "there is no org" in _with(server.data, "orgs", "delete", org.org, "--yes").sentence()


def test_a_store_whose_only_org_was_deleted_is_begun_anew(data: Path, made: Any) -> None:
    assert _with(data, "orgs", "delete", "Acme", "--yes").code == 0
    assert "there is no org yet" in _with(data, "users", "list").sentence()
    server = Server(data)
    me = Client(server, server.token).ok("dev-users.self")["dev_user"]
    assert me["email"] == "admin@example.com"
    assert made["org"]["display_id"] not in me["id"]
    assert server.stop() == 0


def test_a_user_is_let_in_again(data: Path, made: Any) -> None:
    _with(data, "users", "create", "bob@b.example")
    assert _with(data, "users", "deactivate", "bob@b.example").code == 0
    assert _with(data, "users", "activate", "bob@b.example").out == "DEVU-2 is active.\n"
    said = _with(data, "users", "deactivate", made["user"]["email"]).sentence()
    assert said == (
        "rapport: user: DEVU-1 is the org's last active admin, and there must be one; "
        "make another dev user an active admin first"
    )

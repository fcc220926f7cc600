"""Several server processes on one PostgreSQL, each of which may die, and a PostgreSQL that may
die too.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import rapport
from tests.support.load import Load
from tests.support.postgres import PostgresServer, new_name
from tests.support.server import Answer, Client, Server

WHEN = "2023-01-01T12:00:00.000Z"


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database(new_name()) as made:
        yield made


@pytest.fixture(scope="module")
def pair(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    """Two processes that started at once, on an empty database and with one data folder."""
    data = tmp_path_factory.mktemp("pair") / "data"
    with postgres.database(new_name()) as url, ThreadPoolExecutor(2) as pool, ExitStack() as stack:
        servers = list(pool.map(lambda _: Server(data, RAPPORT_DATABASE_URL=url), range(2)))
        for server in servers:
            stack.callback(server.kill)
        assert [bool(server.token) for server in servers].count(True) == 1, (
            "one of them made the first org"
        )
        yield servers


@pytest.fixture
def two(pair: list[Server]) -> tuple[Client, Client]:
    """Alice on two processes."""
    alice = pair[0].make_org("Alice's")
    return alice, Client(pair[1], alice.token, alice.user, alice.org)


def _together(requests: list[tuple[Client, str, Any, dict[str, str]]]) -> list[Answer]:
    with ThreadPoolExecutor(24) as pool:
        return list(pool.map(lambda one: one[0].call(one[1], one[2], **one[3]), requests))


def _create(client: Client, **fields: Any) -> tuple[Client, str, Any, dict[str, str]]:
    return (
        client,
        "engagements.create",
        {"members": [client.user], "scheduled_date": WHEN, "title": "x", **fields},
        {},
    )


def test_no_two_processes_give_out_one_number(two: tuple[Client, Client]) -> None:
    answers = _together([_create(client) for _ in range(100) for client in two])
    numbers = {answer.body["engagement"]["display_id"] for answer in answers}
    assert len(numbers) == 200
    assert two[0].ok("engagements.count")["count"] == two[1].ok("engagements.count")["count"] == 200


def test_of_64_racers_on_two_processes_one_gets_the_artifact(two: tuple[Client, Client]) -> None:
    artifact = two[0].upload()
    answers = _together(
        [_create(client, artifacts=[artifact]) for _ in range(32) for client in two]
    )
    won = [answer for answer in answers if answer.status == 201]
    assert len(won) == 1
    lost = [answer for answer in answers if answer.status != 201]
    assert {answer.type for answer in lost} == {"artifact_already_attached_to_a_parent"}
    assert {answer.body["existing_parent"] for answer in lost} == {won[0].body["engagement"]["id"]}


def test_of_64_racers_on_two_processes_one_gets_the_external_ref(
    two: tuple[Client, Client],
) -> None:
    answers = _together(
        [_create(client, external_ref="crm-1") for _ in range(32) for client in two]
    )
    won = [answer for answer in answers if answer.status == 201]
    assert len(won) == 1
    assert {a.body["existing_id"] for a in answers if a.status != 201} == {
        won[0].body["engagement"]["id"]
    }


@pytest.mark.parametrize("method", ["create", "update", "delete"])
def test_one_key_on_two_processes_is_one_write(two: tuple[Client, Client], method: str) -> None:
    request: Any = _create(two[0])[2]
    if method != "create":
        request = {
            "id": two[0].engagement()["id"],
            **({"title": "y"} if method == "update" else {}),
        }
    answers = _together(
        [
            (client, f"engagements.{method}", request, {"idempotency_key": "k"})
            for _ in range(16)
            for client in two
        ]
    )
    assert {answer.status for answer in answers} == {201 if method == "create" else 200}
    assert len({str(answer.body) for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert two[1].ok("engagements.count")["count"] == (0 if method == "delete" else 1)


def test_an_account_is_deleted_or_referred_to_but_not_both(two: tuple[Client, Client]) -> None:
    for _ in range(15):
        account = two[0].ok("accounts.create", {"display_name": "Acme"})["account"]["id"]
        deleted, created = _together(
            [(two[0], "accounts.delete", {"id": account}, {}), _create(two[1], parent=account)]
        )
        assert {deleted.status, created.status} in ({200, 400}, {400, 201}), (deleted, created)


def test_updates_through_two_processes_all_count(two: tuple[Client, Client]) -> None:
    made = two[0].engagement()
    answers = _together(
        [
            (client, "engagements.update", {"id": made["id"], "title": f"{n}"}, {})
            for n in range(20)
            for client in two
        ]
    )
    assert {answer.status for answer in answers} == {200}
    dates = [answer.body["engagement"]["modified_date"] for answer in answers]
    last = two[0].ok("engagements.get", {"id": made["id"]})["engagement"]
    assert last["modified_date"] == max(dates)


def test_a_token_that_one_process_revokes_is_refused_by_the_other_at_once(
    two: tuple[Client, Client],
) -> None:
    bob = two[0].server.make_user(two[0])
    there = Client(two[1].server, bob.token, bob.user, bob.org)
    there.ok("dev-users.self")
    two[0].server.run("users deactivate", user=bob.user, org=two[0].org)
    assert there.call("dev-users.self").status == 403


def test_a_process_killed_under_load_loses_nothing_the_other_goes_on(
    two: tuple[Client, Client],
) -> None:
    with Load(two[0], pause=0) as here, Load(two[1], pause=0) as there:
        two[0].server.kill()
        there.goes_on(50)
    assert here.refused == []
    there.never_failed()
    two[0].server.start()
    for load in (here, there):
        load.is_there()


def test_a_database_that_dies_under_load_is_503_and_loses_nothing(
    tmp_path: Path,
) -> None:
    own = PostgresServer.make()
    try:
        server = Server(tmp_path / "data", RAPPORT_DATABASE_URL=own.url("postgres"))
        alice = server.make_org("Alice's")
        with Load(alice, pause=0) as load:
            own.stop("immediate")
            time.sleep(1.5)
            assert server.http.get(f"{server.url}/healthz").status_code == 200
            assert server.http.get(f"{server.url}/readyz").status_code == 503
            own.start()
            back = time.monotonic()
            load.goes_on(100)
        load.lost_nothing()
        assert load.refused
        assert min(at - back for at in load.kept_at if at > back) < 2
        assert load.refused[-1].at - back < 2
        assert server.stop() == 0
    finally:
        own.remove()


def test_a_password_stands_in_a_file_and_a_wrong_one_is_said(tmp_path: Path) -> None:
    own = PostgresServer.make()
    try:
        own.run("ALTER ROLE rapport PASSWORD 's3cret'")
        own.let_in("host all all 127.0.0.1/32 scram-sha-256")
        passwords, url = (
            tmp_path / "pgpass",
            f"{own.url('postgres')}?passfile={tmp_path / 'pgpass'}",
        )
        for password, said in (("wrong", "password authentication failed"), ("s3cret", "")):
            passwords.write_text(f"127.0.0.1:{own.port}:*:rapport:{password}\n")
            passwords.chmod(0o600)
            ran = rapport(tmp_path, "migrate", "--database", url)
            assert (ran.code, said in ran.err) == (1 if said else 0, True)
        server = Server(tmp_path / "data", RAPPORT_DATABASE_URL=url)
        assert server.make_org().ok("engagements.count")["count"] == 0
        assert server.stop() == 0
    finally:
        own.remove()


# The command line


def test_the_password_is_shown_nowhere(tmp_path: Path, unused_port: int) -> None:
    secret = f"postgresql://u:s3cret@127.0.0.1:{unused_port}/x"
    (tmp_path / "url").write_text(f"{secret}\n")
    ran = rapport(tmp_path, "settings", "--json", RAPPORT_DATABASE_URL_FILE=str(tmp_path / "url"))
    assert ran.json()["database_url"] == {
        "value": secret.replace("s3cret", "***"),
        "source": "RAPPORT_DATABASE_URL_FILE",
    }
    for arguments in (["serve", "--port", "0"], ["users", "list"], ["migrate"]):
        said = rapport(tmp_path, *arguments, RAPPORT_DATABASE_URL=secret).sentence()
        assert "the database can't be opened" in said
        assert "s3cret" not in said
    wrong = rapport(tmp_path, "settings", RAPPORT_DATABASE_URL="mysql://u:s3cret@h/x").sentence()
    assert "s3cret" not in wrong


def test_every_command_works_on_the_database_with_and_without_a_server(
    tmp_path: Path, url: str
) -> None:
    made = rapport(
        tmp_path, "init", "--database", url, "--org", "Acme", "--email", "a@example.com", "--json"
    ).json()
    assert (
        rapport(
            tmp_path, "init", "--database", url, "--org", "Acme", "--email", "a@example.com"
        ).code
        == 1
    )
    assert rapport(tmp_path, "migrate", "--database", url).code == 0
    user = rapport(
        tmp_path, "users", "create", "b@example.com", "--database", url, "--json"
    ).json()["user"]
    rapport(
        tmp_path, "orgs", "create", "Other", "--email", "c@example.com", "--database", url, "--json"
    ).json()
    server = Server(tmp_path / "rapport-data", RAPPORT_DATABASE_URL=url)
    assert server.token == ""
    client = Client(server, made["token"])
    assert {one["email"] for one in client.ok("dev-users.list")["dev_users"]} == {
        "a@example.com",
        "b@example.com",
    }
    org = made["org"]["display_id"]
    token = rapport(
        tmp_path,
        "tokens",
        "create",
        "--user",
        user["display_id"],
        "--org",
        org,
        "--json",
        RAPPORT_DATABASE_URL=url,
    ).json()
    bob = Client(server, token["token"])
    assert bob.ok("dev-users.self")["dev_user"]["email"] == "b@example.com"
    rapport(
        tmp_path,
        "tokens",
        "revoke",
        token["display_id"],
        "--org",
        org,
        "--json",
        RAPPORT_DATABASE_URL=url,
    ).json()
    assert bob.call("dev-users.self").status == 401
    assert server.stop() == 0


def test_a_demo_is_made_once(tmp_path: Path, url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        servers = list(
            pool.map(
                lambda _: Server(tmp_path / "data", "--demo", RAPPORT_DATABASE_URL=url), range(2)
            )
        )
    assert sorted(bool(server.token) for server in servers) == [False, True]
    token = next(server.token for server in servers if server.token)
    for server in servers:
        assert Client(server, token).ok("engagements.count")["count"] == 420
        assert server.stop() == 0

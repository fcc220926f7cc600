"""A PostgreSQL that takes its clients only with TLS and a password."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rapport.serving import local_ca
from tests.support.command import rapport_process
from tests.support.postgres import PostgresServer, programs_with_tls
from tests.support.server import Server

PROGRAMS = programs_with_tls()
pytestmark = pytest.mark.skipif(
    PROGRAMS is None, reason="no PostgreSQL server with TLS is on this machine"
)

PASSWORD = "s3cret"


class Guarded(NamedTuple):
    """The server, and its CA's certificate. Its own certificate is for 127.0.0.1 alone."""

    server: PostgresServer
    ca: Path

    def url(self, query: str, host: str = "127.0.0.1") -> str:
        """Of a role that is let in as this test's subject is."""
        return f"postgresql://guarded:{PASSWORD}@{host}:{self.server.port}/guarded?{query}"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    own = PostgresServer.make(PROGRAMS)
    try:
        ca = own.encrypt(["127.0.0.1"])
        own.run(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")
        own.run("CREATE DATABASE guarded OWNER guarded")
        own.stop("fast")
        own.start()
        # Rapport's tests look on as `rapport`.
        own.let_in(
            "hostssl guarded guarded 127.0.0.1/32 scram-sha-256",
            "host all rapport 127.0.0.1/32 trust",
        )
        yield Guarded(own, ca)
    finally:
        own.remove()


@pytest.mark.parametrize("mode", ["verify-full", "require"])
def test_with_a_trusted_server_every_connection_is_encrypted(
    guarded: Guarded, tmp_path: Path, mode: str
) -> None:
    query = f"sslmode={mode}&sslrootcert={guarded.ca}"
    server = Server(tmp_path / "data", RAPPORT_DATABASE_URL=guarded.url(query))
    alice = server.make_org()
    alice.engagement()
    assert alice.ok("engagements.count")["count"] == 1
    rows = guarded.server.run(
        "SELECT ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'guarded'"
    )
    assert {tuple(row) for row in rows} == {(True, "TLSv1.3")}
    assert PASSWORD not in server.logged()
    assert server.stop() == 0


@pytest.mark.long
def test_what_is_not_trusted_or_not_encrypted_stops_the_start(
    guarded: Guarded, tmp_path: Path
) -> None:
    other = local_ca.ensure(tmp_path / "other", ["127.0.0.1"]).ca
    for url, said in (
        (
            guarded.url(f"sslmode=verify-full&sslrootcert={other}"),
            "its certificate is not trusted: unable to get",
        ),
        (
            guarded.url(f"sslmode=verify-full&sslrootcert={guarded.ca}", "localhost"),
            "not valid for 'localhost'",
        ),
        (
            guarded.url(f"sslmode=verify-full&sslrootcert={tmp_path / 'none.pem'}"),
            "a file or a socket that the URL names",
        ),
        (guarded.url("sslmode=disable"), "no encryption"),
        (
            guarded.url(f"sslmode=verify-full&sslrootcert={guarded.ca}").replace(PASSWORD, "wr0ng"),
            "password authentication failed",
        ),
    ):
        for arguments in (["serve", "--port", "0"], ["migrate"]):
            # What the driver has not closed yet of a connection that was refused ends with the
            # process.
            sentence = rapport_process(tmp_path, *arguments, RAPPORT_DATABASE_URL=url).sentence()
            assert sentence.startswith("rapport: the database can't be opened: ")
            assert said in sentence
            assert PASSWORD not in sentence
            assert "wr0ng" not in sentence

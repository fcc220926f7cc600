"""Connecting to a database of one host or several, to a standby of it, or through a pooler."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg

from rapport.store.postgres.driver import Unreachable, sentence
from rapport.store.postgres.urls import host_of, hosts_of

_CONNECT_SECONDS = 2.0
# A host that is silent and not refusing is given this long before the next one is tried beside it.
_NEXT_HOST_SECONDS = 0.3
CONNECTIONS = 10
SETTINGS = {
    "statement_timeout": "3000",
    "idle_in_transaction_session_timeout": "10000",
    "jit": "off",
}


class Options(NamedTuple):
    """How to reach the database.

    Args:
        url: as libpq takes it, with one host or several.
        pooled: a pooler in transaction mode is between: nothing may outlive a transaction on a
            connection.
        connections: how many to open at the most; one more gives out numbers, and one may listen.
        replica_url: of standbys for long reads, as libpq takes it; there may be three more
            connections to them.
    """

    url: str
    pooled: bool = False
    connections: int = CONNECTIONS
    replica_url: str = ""


class Connector:
    """Opens connections to the database that the options name, and to its standbys."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._hosts = hosts_of(options.url)

    async def connect(self, name: str = "rapport") -> Any:
        """Connect to the host that answered last time, else to the first that answers now.

        Args:
            name: what the connection is called in `pg_stat_activity`.

        Raises:
            Unreachable: none does.
        """
        url, connection = await self._reach(self._hosts, "read-write", name)
        self._hosts.sort(key=lambda host: host != url)
        return connection

    async def connect_replica(self) -> Any:
        """Connect to a standby, whichever it is.

        Raises:
            Unreachable: there is none.
        """
        hosts = hosts_of(self._options.replica_url)
        random.shuffle(hosts)
        return (await self._reach(hosts, "standby", "rapport"))[1]

    async def _reach(self, hosts: Sequence[str], wanted: str, name: str) -> tuple[str, Any]:
        """Connect to the first host that answers and is what its URL asks for; without a word
        there, what is wanted.

        Raises:
            Unreachable: none does.
        """
        tries = [
            asyncio.ensure_future(self._connect_to(url, wanted, name, turn))
            for turn, url in enumerate(hosts)
        ]
        failures: list[Exception] = []
        connection = None
        try:
            for one in asyncio.as_completed(tries):
                try:
                    url, connection = await one
                except Exception as error:  # noqa: BLE001  # each host may fail in a way of its own
                    failures.append(error)
                else:
                    return url, connection
        finally:
            await _end(tries, connection)
        raise Unreachable("; ".join(str(error) for error in failures)) from failures[0]

    async def _connect_to(self, url: str, wanted: str, name: str, turn: int) -> tuple[str, Any]:
        await asyncio.sleep(turn * _NEXT_HOST_SECONDS)
        options: dict[str, Any] = (
            {} if "target_session_attrs=" in url else {"target_session_attrs": wanted}
        )
        if self._options.pooled:
            options["statement_cache_size"] = 0
        else:
            options["statement_cache_size"] = 500
            options["server_settings"] = {**SETTINGS, "application_name": name}
        try:
            return url, await asyncpg.connect(url, timeout=_CONNECT_SECONDS, **options)
        except Exception as error:
            raise Unreachable(f"{host_of(url)}: {sentence(error)}") from error


async def _end(tries: Sequence["asyncio.Future[tuple[str, Any]]"], chosen: Any) -> None:
    """End the attempts to connect that are not needed, and what they brought."""
    for one in tries:
        one.cancel()
    for outcome in await asyncio.gather(*tries, return_exceptions=True):
        if isinstance(outcome, tuple) and outcome[1] is not chosen:
            outcome[1].terminate()

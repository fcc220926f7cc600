"""A line between the processes of one database, by LISTEN and NOTIFY."""

from typing import Any

from rapport.store.kit.db import Hear, Lost
from rapport.store.postgres.connect import Connector

_CHANNEL = "rapport_commits"
# What `pg_stat_activity` calls the connection that listens.
LISTENER = "rapport listens"


class PostgresLine:
    """A connection of its own that listens. A notification in a write's transaction would let
    no two commit at once.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        """Say something of less than 8,000 bytes."""
        await self._connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, text)

    async def close(self) -> None:
        """End the connection."""
        self._connection.terminate()


async def dial(connector: Connector, hear: Hear, lost: Lost) -> PostgresLine:
    """Open a line; see `Dial`."""
    connection = await connector.connect(LISTENER)
    connection.add_termination_listener(lambda _: lost("its connection was closed"))
    try:
        await connection.add_listener(
            _CHANNEL, lambda _connection, _process, _channel, text: hear(text)
        )
    except BaseException:
        connection.terminate()
        raise
    return PostgresLine(connection)

"""A real MCP client, and an MCP server that it starts and speaks to over stdio."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


class Tools:
    """An MCP server's tools."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def names(self) -> set[str]:
        """What the server says it has."""
        return {tool.name for tool in (await self._session.list_tools()).tools}

    async def text(self, name: str, /, **arguments: Any) -> str:
        """The text that a tool answers."""
        return str((await self._session.call_tool(name, arguments)).content[0].text)

    async def ok(self, name: str, /, **arguments: Any) -> Any:
        """The object that a tool answers, which must not be an error."""
        answer = await self._session.call_tool(name, arguments)
        assert not answer.isError, answer
        return json.loads(answer.content[0].text)

    async def refused(self, name: str, saying: str, /, **arguments: Any) -> None:
        """A call that must be an error which says this."""
        answer = await self._session.call_tool(name, arguments)
        assert answer.isError, answer
        assert saying in answer.content[0].text, answer


@asynccontextmanager
async def started(server: Path) -> AsyncIterator[Tools]:
    """Start an MCP server with this process's variables, and shake hands with it."""
    parameters = StdioServerParameters(command=str(server), env=dict(os.environ))
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield Tools(session)

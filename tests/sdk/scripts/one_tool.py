"""Calls one tool of an MCP server, started with this process's variables: `one_tool.py COMMAND
TOOL ARGUMENTS EXPECTED`.
"""

import asyncio
import json
import sys
from pathlib import Path

from tools import started


async def main(command: str, tool: str, arguments: str, expected: str) -> None:
    async with started(Path(sys.executable).with_name(command)) as api:
        said = await api.text(tool, **json.loads(arguments))
    print(f"ok: {tool}" if expected in said else f"not ok: {tool}: {said}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

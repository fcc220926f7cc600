"""Speaking to the running server over its socket, without loading what a server is made of:
commands start at once.
"""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rapport.folder import CannotStart


def ask(path: Path, command: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Ask the server that listens there; None when none does.

    Raises:
        CannotStart: it ended before it answered.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise CannotStart(
                f"the server behind {path} can't be asked: {error.strerror or error}"
            ) from None
        connection.sendall(
            json.dumps({"command": command, "arguments": dict(arguments)}).encode() + b"\n"
        )
        with connection.makefile("rb") as answers:
            line = answers.readline()
    if not line:
        raise CannotStart("the running server broke off; its log says why")
    answer: dict[str, Any] = json.loads(line)
    return answer

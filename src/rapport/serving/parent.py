"""What a worker process of `rapport serve --workers N` knows of its parent.

The parent hands over the sockets to take connections from, one for each worker, and a line to
itself. The worker writes a JSON object a line there: `{"say": text}` for the operator, `{"ready":
true}` once it serves, `{"failed": text}` when it can't. The parent writes nothing: it closes its
side when the worker shall leave, as the system does when the parent was killed. A parent may be of
an older version than its workers, so all of this has to stay as it is.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any


class Parent:
    """The parent of this process. `listener` is this worker's own socket, `others` are those of the
    other workers.

    Args:
        option: `number,line,listener,…`: the worker's number, from 1, and the descriptors of the
            line and the sockets.
    """

    def __init__(self, option: str) -> None:
        self.number, *descriptors = map(int, option.split(","))
        self._line, *listeners = (socket.socket(fileno=descriptor) for descriptor in descriptors)
        for inherited in (self._line, *listeners):
            inherited.set_inheritable(False)
        self.listener = listeners.pop((self.number - 1) % len(listeners))
        self.others = listeners

    def say(self, line: str) -> None:
        """Tell the operator a line, unless another worker has told it."""
        self._send({"say": line})

    def ready(self) -> None:
        """This worker serves."""
        self._send({"ready": True})

    def failed(self, sentence: str) -> None:
        """This worker can't start."""
        self._send({"failed": sentence})

    def when_gone(self, leave: Callable[[], None]) -> None:
        """Call `leave` once the parent wants this worker to go, or is gone itself. Needs a
        running loop.
        """
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(self._line)
            leave()

        loop.add_reader(self._line, gone)

    def _send(self, told: dict[str, Any]) -> None:
        with contextlib.suppress(
            OSError
        ):  # a parent that is gone is no reason to break off a request
            self._line.sendall(json.dumps(told).encode() + b"\n")

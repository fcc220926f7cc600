"""Creates a second with one active webhook beside none, alternated on one server.

The receiver shares the second core with the load, so part of what a webhook seems to cost is the
receiver's own work. Run it as `.venv/bin/python -m bench.webhooks`, with SECONDS_EACH (8). With
`hanging` behind it, a receiver that takes each delivery and never answers is turned on and off
beside a good one; what to look at are the API's p99 and how far the good one is behind.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.demo import creates, start
from bench.load import Load
from bench.server import LOAD_CORE, call, on_core

ROUNDS = 4
CONNECTIONS = 64
PATIENCE = 120.0


class Sink(asyncio.Protocol):
    """Answers every request with the top-level challenge, if it has one, without reading more
    of it.
    """

    taken = 0
    hangs = False

    def connection_made(self, transport: Any) -> None:
        """It is open."""
        self._transport = transport
        self._read = b""

    def data_received(self, data: bytes) -> None:
        """Some of a request came."""
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, rest = self._read.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(rest) < length:
                return
            body, self._read = rest[:length], rest[length:]
            challenge = json.loads(body).get("challenge") if b'"type":"verify"' in body else None
            Sink.taken += challenge is None
            if Sink.hangs and challenge is None:
                return
            answer = json.dumps({"challenge": challenge}).encode()
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer)
            )


async def receive() -> None:
    """Serve until killed; print the port, and each fifth of a second what came."""
    Sink.hangs = sys.argv[3:4] == ["hangs"]
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while True:
        await asyncio.sleep(0.2)
        Path(sys.argv[2]).write_text(str(Sink.taken), encoding="utf-8")


def receiver(count: Path, *options: str) -> tuple["subprocess.Popen[str]", int]:
    """A receiver in a process of its own, and its port."""
    command = [
        *on_core(LOAD_CORE),
        sys.executable,
        "-m",
        "bench.webhooks",
        "receive",
        str(count),
        *options,
    ]
    sink = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    return sink, int(sink.stdout.readline())


def main(*, hanging: bool) -> None:
    """Run everything and print one line per round."""
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        count = Path(folder) / "taken"
        sinks = [receiver(count)]
        if hanging:
            sinks.append(receiver(Path(folder) / "hung", "hangs"))
        server, url, token = start(Path(folder) / "data", RAPPORT_WEBHOOK_ALLOW_PRIVATE="1")
        load = Load()
        webhook = ""
        for _, port in sinks:
            request = {"url": f"http://127.0.0.1:{port}/", "event_types": ["engagement_created"]}
            webhook = call(url, token, "webhooks.create", request)["webhook"]["id"]
        rates: dict[str, list[float]] = {"deactivate": [], "activate": []}
        try:
            for _ in range(ROUNDS):
                for action, found in rates.items():
                    call(url, token, "webhooks.update", {"id": webhook, "action": action})
                    time.sleep(1)
                    before = int(count.read_text(encoding="utf-8"))
                    result = creates(load, url, token, CONNECTIONS)
                    made = result.count
                    found.append(result.rate)
                    took = int(count.read_text(encoding="utf-8")) - before
                    behind = wait(count, before + made) if hanging or action == "activate" else 0.0
                    print(
                        f"{action:12}{found[-1]:>10,.0f} creates/s  p99 {result.p99:.1f} ms  "
                        f"delivered meanwhile {took:,} of {made:,}, the last {behind:.1f} s after "
                        "the load"
                    )
        finally:
            load.close()
            server.terminate()
            for sink, _ in sinks:
                sink.kill()
            server.wait()
        off, on = (statistics.median(rates[action]) for action in ("deactivate", "activate"))
        what = "a hanging receiver beside a good one" if hanging else "one webhook"
        print(f"median: {off:,.0f} without, {on:,.0f} with {what}: {on / off:.0%}")


def wait(count: Path, wanted: int) -> float:
    """Seconds until so many were delivered."""
    began = time.monotonic()
    while (
        int(count.read_text(encoding="utf-8") or 0) < wanted and time.monotonic() - began < PATIENCE
    ):
        time.sleep(0.1)
    return time.monotonic() - began


if __name__ == "__main__":
    if sys.argv[1:2] == ["receive"]:
        asyncio.run(receive())
    else:
        main(hanging="hanging" in sys.argv)

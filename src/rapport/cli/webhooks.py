"""`rapport webhooks`: for whoever writes a receiver. Neither command needs a server or a data
folder.
"""

import json
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any

import typer

from rapport.cli.ask import fail
from rapport.cli.options import Commands
from rapport.setting_rules import read_host, read_path

webhooks = Commands(help="Try out receivers of webhooks, and check signatures.")
_BIGGEST = 16 * 1024 * 1024
Secret = Annotated[
    str | None,
    typer.Option(
        envvar="RAPPORT_WEBHOOK_SECRET",
        metavar="SECRET",
        help="The webhook's, as the API shows it.",
    ),
]


Delivery = Annotated[str, typer.Argument(help="The raw body of a delivery; - is standard input.")]
RequiredSecret = Annotated[
    str,
    typer.Option(
        envvar="RAPPORT_WEBHOOK_SECRET",
        metavar="SECRET",
        help="The webhook's, as the API shows it.",
    ),
]
Signature = Annotated[str | None, typer.Option(metavar="VALUE", help="X-DevRev-Signature.")]
WebhookSignature = Annotated[str | None, typer.Option(metavar="VALUE", help="Webhook-Signature.")]
WebhookId = Annotated[
    str | None, typer.Option(metavar="ID", help="Webhook-Id; without it, the body's id.")
]
Timestamp = Annotated[
    int | None, typer.Option(metavar="SECONDS", help="Webhook-Timestamp: seconds since 1970.")
]
AnyAge = Annotated[bool, typer.Option("--any-age", help="Take a timestamp of any age.")]


@webhooks.command("verify")
def verify_command(
    file: Delivery,
    secret: RequiredSecret,
    signature: Signature = None,
    webhook_signature: WebhookSignature = None,
    webhook_id: WebhookId = None,
    timestamp: Timestamp = None,
    *,
    any_age: AnyAge = False,
) -> None:
    """Check the signatures of a delivery; without any, show those that it should have."""
    from rapport.webhooks.signatures import BadSignature, verify

    body = _body(file)
    now = timestamp if any_age and timestamp is not None else int(time.time())
    given = {
        "x-devrev-signature": signature,
        "webhook-signature": webhook_signature,
        "webhook-id": webhook_id or _id_in(body),
        "webhook-timestamp": None if timestamp is None else str(timestamp),
    }
    headers = {name: value for name, value in given.items() if value is not None}
    try:
        if signature is None and webhook_signature is None:
            _show(body, headers, secret, now if timestamp is None else timestamp)
            return
        good = verify(body, headers, secret, now=now)
    except BadSignature as problem:
        fail(str(problem))
    except ValueError:
        fail("the secret is not base64")
    print(f"good: {', '.join(good)}")


def _body(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else read_path(file).read_bytes()
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}")
    except ValueError:
        fail(f"{file!r} is no file")


def _show(body: bytes, headers: dict[str, str], secret: str, seconds: int) -> None:
    from rapport.webhooks.signatures import sign  # brings the store along

    for name, value in sign(
        body, event_id=headers.get("webhook-id", ""), seconds=seconds, secrets=[secret]
    ).items():
        print(f"{name}: {value}")


def _id_in(body: bytes) -> str | None:
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told.get("id") if isinstance(told, dict) else None


@webhooks.command("listen")
def listen(
    port: Annotated[int, typer.Argument(help="The port to listen on; 0 takes a free one.")],
    secret: Secret = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on.")
    ] = "127.0.0.1",
) -> None:
    """Receive webhooks: echo the challenge, print each delivery as one line of JSON. With a
    secret, refuse bad ones.
    """

    class Handler(_Handler):
        key = secret

    try:
        address = read_host(host)
        server = (_Server6 if ":" in address else ThreadingHTTPServer)((address, port), Handler)
    except (OSError, ValueError, OverflowError) as error:
        why = getattr(error, "strerror", "") or "there is no such address"
        fail(f"{host}:{port} can't be listened on: {why}; choose another port, or --host")
    with server:
        shown = f"[{address}]" if ":" in address else address
        print(f"Listening on http://{shown}:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


class _Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    key: str | None = None
    protocol_version = "HTTP/1.1"
    timeout = 75

    def do_POST(self) -> None:  # the standard library's name
        """Take a delivery."""
        length = int(self.headers.get("content-length") or 0)
        if not 0 <= length <= _BIGGEST:
            self._answer(413, {"error": "too large"})
            return
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        problem = self._problem(body, headers)
        told = _read(body)
        verdict = json.dumps({"good": problem is None, "problem": problem})
        print(f'{verdict[:-1]}, "told": {_in_one_line(body) if told else "{}"}}}', flush=True)
        if problem is not None:
            self._answer(401, {"error": problem})
        else:
            self._answer(200, {"challenge": told["challenge"]} if "challenge" in told else {})

    def _problem(self, body: bytes, headers: dict[str, str]) -> str | None:
        from rapport.webhooks.signatures import BadSignature, verify  # as above

        if self.key is None:
            return None
        try:
            verify(body, headers, self.key, now=int(time.time()))
        except (BadSignature, ValueError) as problem:
            return str(problem)
        return None

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the standard library's name
        """Say nothing: what came is printed."""


def _read(body: bytes) -> dict[str, Any]:
    import msgspec

    try:
        told = msgspec.json.decode(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _in_one_line(text: bytes) -> str:
    """JSON as it came, with the very text of its numbers."""
    import msgspec

    return msgspec.json.format(text, indent=-1).decode()

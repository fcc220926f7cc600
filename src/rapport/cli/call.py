"""`rapport call`: any method, over HTTP or on the data folder."""

import os
import sys
from typing import Annotated

import typer

from rapport.cli.ask import fail, run, settings_of
from rapport.cli.options import Config, Data, Database, Org
from rapport.setting_rules import read_path


def call(
    method: Annotated[str, typer.Argument(help="Such as engagements.list.")],
    request: Annotated[str, typer.Argument(help="The request as JSON.")] = "{}",
    data: Data = None,
    database: Database = None,
    config: Config = None,
    url: Annotated[
        str | None,
        typer.Option(envvar="RAPPORT_URL", metavar="URL", help="A server to ask over HTTP."),
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="RAPPORT_TOKEN", metavar="TOKEN", help="The token for it.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(metavar="USER", help="Without a URL: act as this user, else the first admin."),
    ] = None,
    org: Org = None,
) -> None:
    """Call a method: over HTTP with a token, else on the data folder, with or without a running
    server.
    """
    token = token or _read_token_file()
    if data is None and (url or token):
        status, body = _call_over_http(url or "http://127.0.0.1:8080", token or "", method, request)
    else:
        answer = run(
            settings_of(data, database, config),
            "call",
            {"method": method, "body": request, "user": user, "org": org},
        )
        status, body = answer["status"], _indented(answer["body"])
    print(body)
    sys.exit(0 if status < 400 else 1)  # noqa: PLR2004  # where HTTP's refusals begin


def _indented(text: str) -> str:
    """JSON on several lines, with the very text of its numbers.

    Raises:
        ValueError: it is none.
    """
    import msgspec

    return msgspec.json.format(text, indent=2)


def _read_token_file() -> str | None:
    """The token in the file that RAPPORT_TOKEN_FILE names."""
    name = os.environ.get("RAPPORT_TOKEN_FILE")
    try:
        return None if name is None else read_path(name).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        fail(f"RAPPORT_TOKEN_FILE: {name} can't be read as a token")


def _call_over_http(url: str, token: str, method: str, request: str) -> tuple[int, str]:
    import urllib.error
    import urllib.request
    from http.client import HTTPException

    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    asked = urllib.request.Request(f"{url.rstrip('/')}/{method}", request.encode(), headers)  # noqa: S310  # --url
    try:
        try:
            answer = urllib.request.urlopen(asked, timeout=30)  # noqa: S310  # the operator's own URL
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            return answer.status, _indented(answer.read().decode())
    except (OSError, ValueError, HTTPException) as error:
        # What lies below says why; its wrapping says how we asked.
        why = getattr(error, "reason", error)
        fail(f"{url} does not answer: {getattr(why, 'strerror', None) or why}")

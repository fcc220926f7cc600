"""Sending a file to the URL that `artifacts.prepare` answered."""

import http.client
import ssl
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from rapport.transfer.asking import Unreachable
from rapport.transfer.records import File

_CHUNK = 256 * 1024
_SECONDS = 300.0
_TAKEN = 204


def send(prepared: Any, file: File) -> None:
    """Send the bytes as a form.

    Raises:
        Unreachable: they were not taken.
    """
    parts = urlsplit(prepared["url"])
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        status = _post(connection, parts.path, prepared, file)
    except (OSError, ssl.SSLError, http.client.HTTPException) as error:
        raise Unreachable(f"{file.name!r} can't be sent: {error}") from None
    finally:
        connection.close()
    if status != _TAKEN:
        raise Unreachable(f"{file.name!r} was not taken: its URL answered {status}")


def _post(connection: http.client.HTTPConnection, path: str, prepared: Any, file: File) -> int:
    border = uuid4().hex
    head, tail = _head(border, prepared, file), f"\r\n--{border}--\r\n".encode()
    connection.putrequest("POST", path)
    connection.putheader("content-type", f"multipart/form-data; boundary={border}")
    connection.putheader("content-length", str(len(head) + file.size + len(tail)))
    connection.endheaders(head)
    with file.open() as opened:
        while chunk := opened.read(_CHUNK):
            connection.send(chunk)
    connection.send(tail)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _head(border: str, prepared: Any, file: File) -> bytes:
    fields = "".join(
        f'--{border}\r\nContent-Disposition: form-data; name="{one["key"]}"\r\n\r\n'
        f"{one['value']}\r\n"
        for one in prepared["form_data"]
    )
    kind = file.type if file.type.isascii() and file.type.isprintable() and file.type else ""
    return (
        f'{fields}--{border}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
        f"Content-Type: {kind or 'application/octet-stream'}\r\n\r\n"
    ).encode()

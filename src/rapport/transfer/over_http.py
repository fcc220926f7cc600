"""Asking a server over HTTP, with a token."""

import asyncio
import http.client
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from rapport.contract.kit.fields import Json
from rapport.transfer import uploading
from rapport.transfer.asking import Refused, Unreachable
from rapport.transfer.records import File

_TRIES = 8
_SECONDS = 60.0
_LONGEST_WAIT = 60.0
# Said by a server that may do the same request in a while.
_LATER = frozenset({429, 502, 503, 504})
_REFUSALS = 400
_CHUNK = 256 * 1024


class _Answer(NamedTuple):
    status: int
    retry_after: str | None
    body: bytes


class OverHttp:
    """Asks a server; what it answers that it can't now is asked again.

    Args:
        url: where its API is.
        token: of whoever asks.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Unreachable(f"{url!r} is no URL of a server")
        self._url = url
        self._path = parts.path.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"}
        self._connection = _connection(url)

    async def ask(self, method: str, request: Json) -> bytes:
        """Do a method; see `Asker.ask`."""
        body = msgspec.json.encode(request)
        return await asyncio.to_thread(self._ask, method, body)

    def _ask(self, method: str, body: bytes) -> bytes:
        # A write whose answer is lost is answered again.
        headers = {
            **self._headers, "content-type": "application/json", "idempotency-key": str(uuid4()),
        }  # fmt: skip
        for attempt in range(_TRIES):
            is_last = attempt + 1 == _TRIES
            try:
                answer = self._once(method, body, headers)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if is_last:
                    raise Unreachable(f"{self._url} does not answer: {_why(error)}") from None
                time.sleep(min(2.0**attempt / 10, 5))
                continue
            if answer.status < _REFUSALS:
                return answer.body
            if is_last or answer.status not in _LATER:
                raise Refused(answer.status, answer.body)
            time.sleep(_wait(answer.retry_after, attempt))
        raise AssertionError("the last try returns or raises")

    def _once(self, method: str, body: bytes, headers: dict[str, str]) -> _Answer:
        self._connection.request("POST", f"{self._path}/{method}", body, headers)
        answer = self._connection.getresponse()
        return _Answer(answer.status, answer.getheader("retry-after"), answer.read())

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    async def bytes_of(self, artifact: str) -> AsyncIterator[bytes]:
        """The bytes of an artifact; see `Asker.bytes_of`."""
        try:
            located: Any = msgspec.json.decode(await self.ask("artifacts.locate", {"id": artifact}))
        except Refused as refused:
            if refused.status == 404:  # noqa: PLR2004  # it has none
                return
            raise
        connection = _connection(located["url"])
        try:
            answer = await asyncio.to_thread(_get, connection, located["url"])
            while chunk := await asyncio.to_thread(answer.read, _CHUNK):
                yield chunk
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"a file can't be read from {self._url}: {_why(error)}") from None
        finally:
            connection.close()

    async def upload(self, file: File) -> str:
        """Send a file; see `Taker.upload`."""
        asked = {"file_name": file.name, **({"file_type": file.type} if file.type else {})}
        prepared: Any = msgspec.json.decode(await self.ask("artifacts.prepare", asked))
        await asyncio.to_thread(uploading.send, prepared, file)
        return str(prepared["id"])

    async def holders(self, what: str) -> list[str] | None:  # noqa: ARG002  # nobody can tell
        """Nothing; see `Asker.holders`."""
        return None


def _get(connection: http.client.HTTPConnection, url: str) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
    answer = connection.getresponse()
    if answer.status != 200:  # noqa: PLR2004  # what a download answers
        raise OSError(f"its URL answered {answer.status}")
    return answer


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        return kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    except ValueError:
        raise Unreachable(f"{url!r} is no URL of a server") from None


def _wait(retry_after: str | None, attempt: int) -> float:
    """How long to wait before asking again, in seconds."""
    if retry_after is not None and retry_after.isdecimal():
        return min(float(retry_after), _LONGEST_WAIT)
    return min(2.0**attempt / 4, 10)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

"""Signed URLs: whoever has one may upload one version's bytes, or read them, until it expires
(behaviour: Files).
"""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rapport.clock import MILLISECOND, SECOND

UPLOAD = "/artifacts/upload"
DOWNLOAD = "/artifacts/download"
UPLOAD_SECONDS = 60 * 60
DOWNLOAD_SECONDS = 15 * 60
_KEY_BYTES = 32
_PLACE = re.compile(r"([A-Za-z0-9]{1,32})/([1-9][0-9]{0,17})/([1-9][0-9]{0,17})")
_DIGITS = re.compile(r"[0-9]{1,18}")


class BadUrl(Exception):
    """A URL that was not made here, was changed, or has expired; the sentence says which."""


class VersionPlace(NamedTuple):
    """One version of one artifact of one org."""

    org: str
    artifact: int
    version: int

    def __str__(self) -> str:
        return f"{self.org}/{self.artifact}/{self.version}"


class UploadUrl(NamedTuple):
    """Where a file goes, and the form fields that have to come before it."""

    url: str
    fields: dict[str, str]


class DownloadUrl(NamedTuple):
    """Where a file is, until `expires` in microseconds since 1970."""

    url: str
    expires: int


class SignedUrls:
    """Makes and checks them.

    Args:
        key: signs them; URLs of another key are refused.
        base_url: what they begin with; without it, where the caller came in.
        local_url: what they begin with for callers that came in by no URL, as the command line
            does.
        seconds: their life; without it, 60 minutes for uploads and 15 for downloads.
    """

    def __init__(
        self, key: bytes, *, base_url: str = "", local_url: str = "", seconds: int | None = None
    ) -> None:
        self._key = key
        self._base_url = base_url
        self.local_url = local_url
        self._upload_life = (UPLOAD_SECONDS if seconds is None else seconds) * SECOND
        self._download_life = (DOWNLOAD_SECONDS if seconds is None else seconds) * SECOND

    @property
    def base(self) -> str:
        """What URLs begin with for those who came in by none."""
        return self._base_url or self.local_url

    def upload(self, place: VersionPlace, *, origin: str, now: int) -> UploadUrl:
        """A URL that takes this version's bytes."""
        expires = str((now + self._upload_life) // MILLISECOND)
        fields = {
            "key": str(place),
            "expires": expires,
            "signature": self._sign("upload", place, expires),
        }
        return UploadUrl(f"{self._base_url or origin or self.local_url}{UPLOAD}/{place}", fields)

    def download(self, place: VersionPlace, *, origin: str, now: int) -> DownloadUrl:
        """A URL that answers this version's bytes."""
        until = now + self._download_life
        expires = str(until // MILLISECOND)
        signature = self._sign("download", place, expires)
        base = self._base_url or origin or self.local_url
        url = f"{base}{DOWNLOAD}/{place}?expires={expires}&signature={signature}"
        return DownloadUrl(url, until)

    def check_upload(self, path: str, fields: Mapping[str, str], now: int) -> VersionPlace:
        """The version that an upload is for.

        Args:
            path: what stands behind `UPLOAD/` in the URL.
            fields: the form's, without the file.
            now: microseconds since 1970.

        Raises:
            BadUrl: the URL and these fields are not a live one of this server.
        """
        if fields.get("key") != path:
            raise BadUrl("the field key is missing or is another upload's")
        return self._check(
            "upload", path, {name: value for name, value in fields.items() if name != "key"}, now
        )

    def check_download(self, path: str, query: Mapping[str, str], now: int) -> VersionPlace:
        """The version that a download is of.

        Args:
            path: what stands behind `DOWNLOAD/` in the URL.
            query: the URL's parameters.
            now: microseconds since 1970.

        Raises:
            BadUrl: the URL is not a live one of this server.
        """
        return self._check("download", path, query, now)

    def _check(self, purpose: str, path: str, signed: Mapping[str, str], now: int) -> VersionPlace:
        found = _PLACE.fullmatch(path)
        expires, signature = signed.get("expires", ""), signed.get("signature", "")
        if (
            found is None
            or set(signed) != {"expires", "signature"}
            or not _DIGITS.fullmatch(expires)
        ):
            raise BadUrl("something was added to it, left out or changed")
        place = VersionPlace(found[1], int(found[2]), int(found[3]))
        if not hmac.compare_digest(
            self._sign(purpose, place, expires).encode(), signature.encode()
        ):
            raise BadUrl("its signature does not fit")
        if int(expires) * MILLISECOND <= now:
            raise BadUrl("it has expired")
        return place

    def _sign(self, purpose: str, place: VersionPlace, expires: str) -> str:
        return hmac.new(
            self._key, f"{purpose}\n{place}\n{expires}".encode(), hashlib.sha256
        ).hexdigest()


def read_key(path: Path) -> bytes:
    """The signing key, made at the first start, with mode 0600.

    Raises:
        OSError: it can't be read or written.
        ValueError: the file is not a key.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # Of several processes that start at once, the first one's key is everybody's.
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
        key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path} does not hold a key of {_KEY_BYTES} bytes")
    return key

"""Encryption of backups, by age (age-encryption.org): each file to its recipients.

A passphrase opens a key of X25519 that each manifest carries, sealed with it; files are for that
key, as a passphrase alone would cost a second for each. The manifest itself is for the data
folder's own key too, so that the next backup knows what the last one has.
"""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyrage
from pyrage import DecryptError, EncryptError, IdentityError, RecipientError, passphrase, x25519

from rapport.folder import CannotStart

# How many chunks lie between a cipher and who takes what it makes.
_AHEAD = 4
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class Sealed(Exception):
    """It can't be opened with these keys, or is not what was sealed."""


class Wanted(NamedTuple):
    """What an operator says of encryption: for whom, or the file of a passphrase."""

    recipients: Sequence[str] = ()
    passphrase_file: Path | None = None

    def __bool__(self) -> bool:
        """Whether it is wanted."""
        return bool(self.recipients or self.passphrase_file)


class Opening(NamedTuple):
    """What an operator opens backups with: a file of identities, or of a passphrase."""

    identity_file: Path | None = None
    passphrase_file: Path | None = None


class Seal(NamedTuple):
    """Whom a backup is for.

    Args:
        recipients: age1…
        identity: the key that the passphrase opens, sealed with it; None where there is none.
    """

    recipients: tuple[str, ...]
    identity: str | None

    def close(self, data: bytes, *also: str) -> bytes:
        """Encrypt."""
        return bytes(pyrage.encrypt(data, _public([*self.recipients, *also])))

    def stream(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Encrypt what comes in chunks."""
        keys = _public(self.recipients)
        return _piped(chunks, lambda reader, writer: pyrage.encrypt_io(reader, writer, keys))


class Keys:
    """What opens files.

    Args:
        secrets: AGE-SECRET-KEY-1…
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [x25519.Identity.from_str(one) for one in secrets]

    def open(self, data: bytes) -> bytes:
        """Decrypt.

        Raises:
            Sealed: it can't be.
        """
        with _opening():
            return bytes(pyrage.decrypt(data, self._keys))

    def stream(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Decrypt what comes in chunks.

        Raises:
            Sealed: while it is read: it can't be.
        """
        return _piped(chunks, lambda reader, writer: pyrage.decrypt_io(reader, writer, self._keys))


@contextlib.contextmanager
def _opening() -> Iterator[None]:
    try:
        yield
    except DecryptError as error:
        raise Sealed(str(error).lower()) from None


def seal_for(recipients: Sequence[str]) -> Seal:
    """Encrypt to these.

    Raises:
        CannotStart: one is no recipient.
    """
    for one in recipients:
        try:
            x25519.Recipient.from_str(one)
        except RecipientError:
            raise CannotStart(f"{one!r} is no recipient of age, such as age1…") from None
    return Seal(tuple(sorted(set(recipients))), None)


def seal_with(file: Path, sealed: str | None) -> Seal:
    """Encrypt with a passphrase.

    Args:
        file: holds it.
        sealed: the key that an earlier backup has for it; None for a new one.

    Raises:
        CannotStart: the passphrase can't be read, or is not that of the earlier backup.
    """
    secret = _passphrase(file)
    if sealed is None:
        key = x25519.Identity.generate()
        sealed = passphrase.encrypt(str(key).encode(), secret, armored=True).decode()
    else:
        key = x25519.Identity.from_str(_unsealed(sealed, secret, file))
    return Seal((str(key.to_public()),), sealed)


def keys_of(opening: Opening, sealed: str | None) -> Keys:
    """What an operator's files open.

    Args:
        opening: which files.
        sealed: the key that the backup has for its passphrase, if it has one.

    Raises:
        CannotStart: there are none, one can't be read, or the passphrase is wrong.
    """
    if opening.identity_file is not None:
        return Keys(_identities(opening.identity_file))
    if opening.passphrase_file is None:
        raise CannotStart("the backup is encrypted: name --identity-file or --passphrase-file")
    if sealed is None:
        raise CannotStart("the backup was encrypted to a recipient: name --identity-file")
    return Keys([_unsealed(sealed, _passphrase(opening.passphrase_file), opening.passphrase_file)])


def _unsealed(sealed: str, secret: str, file: Path) -> str:
    try:
        key = bytes(passphrase.decrypt(sealed.encode(), secret)).decode("latin-1")
        return str(x25519.Identity.from_str(key))
    except (DecryptError, IdentityError):
        raise CannotStart(f"the passphrase in {file} is not that of the backup") from None


def _passphrase(file: Path) -> str:
    secret = _text(file).rstrip("\r\n")
    if not secret:
        raise CannotStart(f"there is no passphrase in {file}")
    return secret


def _identities(file: Path) -> list[str]:
    lines = [line.strip() for line in _text(file).splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    try:
        Keys(found)
    except IdentityError:
        found = []
    if not found:
        raise CannotStart(f"there is no identity of age, such as AGE-SECRET-KEY-1…, in {file}")
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CannotStart(f"{file} can't be read: {error.strerror or error}") from None
    except ValueError:
        raise CannotStart(f"{file} is not UTF-8") from None


def _public(recipients: Sequence[str]) -> list[Any]:
    return [x25519.Recipient.from_str(one) for one in recipients]


# The data folder's own key


def own_secret(key: bytes) -> str:
    """The identity that a data folder has by its `secret.key`."""
    return _bech32("age-secret-key-", hmac.digest(key, b"rapport backup", "sha256")).upper()


def own_recipient(key: bytes) -> str:
    """Whom its manifests are for as well."""
    return str(x25519.Identity.from_str(own_secret(key)).to_public())


def _bech32(prefix: str, data: bytes) -> str:
    """Bytes as BIP 173 writes them, which is how age writes its keys."""
    bits = int.from_bytes(data, "big") << (-len(data) * 8 % 5)
    length = -(-len(data) * 8 // 5)
    words = [bits >> 5 * (length - 1 - place) & 31 for place in range(length)]
    spread = [*(ord(one) >> 5 for one in prefix), 0, *(ord(one) & 31 for one in prefix)]
    sum_ = _polymod([*spread, *words, *[0] * 6]) ^ 1
    check = [sum_ >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1{''.join(_ALPHABET[word] for word in (*words, *check))}"


def _polymod(words: Sequence[int]) -> int:
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    found = 1
    for word in words:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ word
        for place, one in enumerate(generator):
            found ^= one if top >> place & 1 else 0
    return found


# Files that are too long to be held in memory


async def _piped(
    chunks: AsyncIterator[bytes], cipher: Callable[["_Reader", "_Writer"], None]
) -> AsyncIterator[bytes]:
    """What a cipher, which reads and writes in a thread, makes of what comes in chunks."""
    loop = asyncio.get_running_loop()
    made: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)
    reader, writer = _Reader(chunks, loop), _Writer(made, loop)

    def work() -> None:
        try:
            cipher(reader, writer)
        finally:
            writer.write(None)

    working = asyncio.create_task(asyncio.to_thread(work))
    try:
        while (chunk := await made.get()) is not None:
            yield chunk
        await _done(working, reader)
    finally:
        writer.is_left = True
        while not working.done():
            # The thread may wait for room.
            with contextlib.suppress(asyncio.QueueEmpty):
                made.get_nowait()
            await asyncio.wait([working], timeout=0.01)
        working.exception()


async def _done(working: "asyncio.Task[None]", reader: "_Reader") -> None:
    try:
        await working
    except (DecryptError, EncryptError, OSError) as error:
        # The cipher only tells that reading failed.
        raise reader.error or Sealed(str(error).lower()) from None


class _Reader:
    """Chunks as a file, for a thread."""

    def __init__(self, chunks: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._chunks = chunks
        self._loop = loop
        self._rest = b""
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer; none at the end."""
        if not self._rest:
            try:
                self._rest = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            except BaseException as error:
                self.error = error
                raise
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk

    async def _next(self) -> bytes:
        async for chunk in self._chunks:
            if chunk:
                return chunk
        return b""


class _Writer:
    """A queue as a file, for a thread; `is_left` once nobody takes anything from it any more."""

    def __init__(
        self, queue: "asyncio.Queue[bytes | None]", loop: asyncio.AbstractEventLoop
    ) -> None:
        self._queue = queue
        self._loop = loop
        self.is_left = False

    def write(self, chunk: bytes | None) -> int:
        """Hand a chunk over; None is the end.

        Raises:
            BrokenPipeError: nobody takes it.
        """
        if self.is_left:
            raise BrokenPipeError
        data = None if chunk is None else bytes(chunk)
        asyncio.run_coroutine_threadsafe(self._queue.put(data), self._loop).result()
        return len(data or b"")

    def flush(self) -> None:
        """Nothing is kept back."""

"""Tokens: `rpt_` and base62 of 32 random bytes and of a checksum, so that scanners and typos
are caught by sight.
"""

import functools
import hashlib
import secrets
import zlib

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX = "rpt_"
_SECRET_LENGTH = 43  # 62 ** 43 > 2 ** 256
_CHECKSUM_LENGTH = 6  # 62 ** 6 > 2 ** 32
LENGTH = len(_PREFIX) + _SECRET_LENGTH + _CHECKSUM_LENGTH
LIFE_DAYS = 1825


def make() -> str:
    """A new token. It is shown once; only `hash_of` it is kept."""
    secret = _base62(int.from_bytes(secrets.token_bytes(32), "big"), _SECRET_LENGTH)
    return _PREFIX + secret + _checksum(secret)


@functools.lru_cache(maxsize=4096)
def hash_of_well_formed(token: str) -> str | None:
    """`hash_of` a token that `make` may have made, None for anything else; no store is asked.

    Remembered for the tokens in use, because each request asks.
    """
    return hash_of(token) if is_well_formed(token) else None


def is_well_formed(token: str) -> bool:
    """True for what `make` may have made."""
    secret, checksum = token[len(_PREFIX) : -_CHECKSUM_LENGTH], token[-_CHECKSUM_LENGTH:]
    return (
        len(token) == LENGTH
        and token.startswith(_PREFIX)
        and token.isascii()
        and token[len(_PREFIX) :].isalnum()
        and _checksum(secret) == checksum
    )


def hash_of(token: str) -> str:
    """What is kept of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checksum(secret: str) -> str:
    return _base62(zlib.crc32(secret.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))

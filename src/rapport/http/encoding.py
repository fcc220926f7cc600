"""Answers compressed for those who ask: gzip, as the weights of `Accept-Encoding` have it."""

import asyncio
import re
import zlib

# A smaller answer fits into a few packets as it is.
LEAST_BYTES = 4096
# Compressing more than this takes the loop longer than a thread's start does.
_MOST_BYTES_IN_THE_LOOP = 16 * 1024
_GZIP_WINDOW = 31
_QUICK, _SMALLEST = 1, 9
_WEIGHT = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*")


def takes_gzip(accepted: bytes | None) -> bool:
    """Whether an `Accept-Encoding` wants gzip at least as much as no coding."""
    weights = dict(_weighed(one) for one in (accepted or b"").decode("latin-1").lower().split(","))
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weighed(part: str) -> tuple[str, float]:
    """A coding and its weight, which is 0 where it can't be read."""
    coding, given, weight = part.partition(";")
    if not given:
        return coding.strip(), 1.0
    read = _WEIGHT.fullmatch(weight)
    return coding.strip(), float(read[1]) if read else 0.0


def smallest(body: bytes) -> bytes:
    """A body as gzip, for one that is compressed once and sent often."""
    return _gzipped(body, _SMALLEST)


async def packed(body: bytes, accepted: bytes | None, headers: dict[str, str]) -> bytes:
    """An answer as it goes out: compressed where it is large and the caller takes that.

    Args:
        body: the answer.
        accepted: the caller's `Accept-Encoding`.
        headers: the answer's, which are told what was done.
    """
    if len(body) < LEAST_BYTES:
        return body
    headers["vary"] = "Accept-Encoding"
    if not takes_gzip(accepted):
        return body
    headers["content-encoding"] = "gzip"
    if len(body) <= _MOST_BYTES_IN_THE_LOOP:
        return _gzipped(body, _QUICK)
    return await asyncio.to_thread(_gzipped, body, _QUICK)


def _gzipped(body: bytes, level: int) -> bytes:
    press = zlib.compressobj(level, zlib.DEFLATED, _GZIP_WINDOW)
    return press.compress(body) + press.flush()

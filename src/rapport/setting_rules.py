"""What settings take: rules, each of which reads text and says in words what it must be."""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from rapport.ratelimit import parse_limit
from rapport.store.postgres.urls import check_url

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_T = TypeVar("_T")


class Rule(NamedTuple, Generic[_T]):
    """What a setting takes.

    Args:
        read: turns text into the value, raising ValueError.
        words: the same for people, after "must be".
    """

    read: Callable[[str], _T]
    words: str


def between(number: Callable[[str], _T], low: Any, high: Any, unit: str = "") -> Rule[_T]:
    """A number, both bounds included."""

    def read(text: str) -> _T:
        value = number(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return Rule(read, f"{unit}{', ' if unit else ''}{low} to {high}")


def one_of(*words: str) -> Rule[str]:
    """One of some words."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return Rule(read, " or ".join(words))


def optional(rule: Rule[_T]) -> Rule[_T | None]:
    """None where nothing is said."""
    return Rule(lambda text: rule.read(text) if text else None, rule.words)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _networks(text: str) -> list[IpNetwork]:
    return [ipaddress.ip_network(word, strict=False) for word in _words(text)]


def _flag(text: str) -> bool:
    return {
        "1": True,
        "true": True,
        "on": True,
        "0": False,
        "false": False,
        "off": False,
        "": False,
    }[text.lower()]


def read_path(text: str) -> Path:
    """Read a path; `~` is the home also where no shell has seen to it.

    Raises:
        ValueError: it is empty, has a NUL, or there is no such home.
    """
    if not text or "\0" in text:
        raise ValueError(text)
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(text) from None


def read_host(text: str) -> str:
    """Read a name or an address, of IPv6 also in the brackets that it has in a URL.

    Raises:
        ValueError: it is empty or has a blank in it.
    """
    host = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if not host or any(character.isspace() or character in "[]/\0" for character in host):
        raise ValueError(text)
    return host


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (
        parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment
    ):
        raise ValueError(text)
    return text.rstrip("/")


def _redis_url(text: str) -> str:
    if text and urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError(text)
    return text


def _object_store(text: str) -> str:
    parts = urlsplit(text)
    if text and (
        parts.scheme not in {"s3", "gs", "az"}
        or not parts.hostname
        or parts.query
        or parts.username
    ):
        raise ValueError(text)
    return text.rstrip("/")


_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def _duration(text: str) -> float:
    """A length of time in seconds, or with a letter behind it."""
    number = text.rstrip("smhd")
    value = float(number) * _SECONDS[text[len(number) :]]
    if not 1 <= value <= 366 * 86_400:
        raise ValueError(text)
    return value


def _backup_target(text: str) -> str:
    if urlsplit(text).scheme in {"s3", "gs", "az"}:
        return _object_store(text)
    return str(read_path(text)) if text else ""


def _backup_keep(text: str) -> tuple[int, int, int] | None:
    counts = {"d": 0, "w": 0, "m": 0}
    for word in _words(text):
        if counts[word[-1]] or not word[:-1].isascii() or int(word[:-1]) < 1:
            raise ValueError(text)
        counts[word[-1]] = int(word[:-1])
    return (counts["d"], counts["w"], counts["m"]) if any(counts.values()) else None


_HOST_NAME = re.compile(
    r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)


def _host_names(text: str) -> list[str]:
    names = [word.lower().strip("[]") for word in _words(text)]
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            ipaddress.ip_address(name)
    if not names:
        raise ValueError(text)
    return list(dict.fromkeys(names))


ADDRESSES = Rule(_words, "addresses, by comma")
BACKUP_KEEP = Rule(_backup_keep, "numbers of days, weeks and months, such as 7d,4w,12m")
BACKUP_TARGET = Rule(_backup_target, "a folder, or a bucket such as s3://bucket/prefix")
DATABASE_URL = Rule(check_url, "a URL, such as postgresql://host/name")
DAYS = between(float, 1, 36_500, "days")
DURATION = Rule(_duration, "seconds, or a number with s, m, h or d; a second to a year")
FILE = optional(Rule(read_path, "a file"))
FLAG = Rule(_flag, "on or off")
FOLDER = Rule(read_path, "a folder")
HOST = Rule(read_host, "an address or a name, such as 127.0.0.1 or ::1")
HOST_NAMES = Rule(_host_names, "names or addresses, by comma")
LIMIT = Rule(parse_limit, "<requests>/<seconds>, or off")
# A claim on a delivery lasts little longer than a minute.
MOMENT = between(float, 0.1, 60, "seconds")
NETWORKS = Rule(_networks, "addresses or networks, by comma")
OBJECT_STORE = Rule(
    _object_store, "s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
)
ORIGINS = Rule(_words, "origins, by comma")
PEM = optional(Rule(read_path, "a PEM file"))
PUBLIC_URL = Rule(_public_url, "an http(s) URL")
RECIPIENTS = Rule(_words, "recipients of age (age1…), by comma")
REDIS_URL = Rule(_redis_url, "a redis://, rediss:// or unix:// URL")
TEXT = Rule(str, "text")
UP_TO_A_DAY = between(float, 0, 86_400, "seconds")
DELAYS = Rule(
    lambda text: tuple(map(UP_TO_A_DAY.read, _words(text))),
    f"{UP_TO_A_DAY.words}, several by comma",
)

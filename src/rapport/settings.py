"""Every setting: flags over `RAPPORT_*` over `rapport.toml` over the default (behaviour: Settings and the data folder)."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rapport.ratelimit import parse_limit
from rapport.store.postgres.urls import check_url, masked


class SettingError(Exception):
    """A value can't be used; one sentence says which and why."""


class Setting(NamedTuple):
    """One setting.

    Args:
        name: as in `rapport.toml`; in the environment `RAPPORT_<NAME>`.
        default: as text.
        read: turns text into the value, raising ValueError.
        rule: what it takes, for people.
        help: what it is for.
        twin: `RAPPORT_<NAME>_FILE` names a file that holds the value.
        show: what people see of the value; it leaves out what is secret.
        option: of the command line, where it is not `--<name>`.
    """

    name: str
    default: str
    read: Callable[[str], Any]
    rule: str
    help: str
    twin: bool = True
    show: Callable[[str], str] = str
    option: str = ""

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"RAPPORT_{self.name.upper()}"


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:  # noqa: PLR2004  # what TCP has
        raise ValueError(text)
    return port


def _flag(text: str) -> bool:
    return {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False, "": False}[text.lower()]


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 86_400:  # noqa: PLR2004  # a day
        raise ValueError(text)
    return seconds


def _sync(text: str) -> str:
    if text not in {"full", "normal"}:
        raise ValueError(text)
    return text


def _pooler(text: str) -> str:
    if text not in {"none", "transaction"}:
        raise ValueError(text)
    return text


def _connections(text: str) -> int:
    count = int(text)
    if not 2 <= count <= 1_000:  # noqa: PLR2004  # one for a write, one for a read; more than a server takes
        raise ValueError(text)
    return count


def _workers(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 64:  # noqa: PLR2004  # more than a machine has use for
        raise ValueError(text)
    return count


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
        raise ValueError(text)
    return text.rstrip("/")


def _redis_url(text: str) -> str:
    if text and urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError(text)
    return text


def _object_store(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in {"s3", "gs", "az"} or not parts.hostname or parts.query or parts.username):
        raise ValueError(text)
    return text.rstrip("/")


def _url_ttl(text: str) -> int | None:
    if text and not 1 <= int(text) <= 604_800:  # noqa: PLR2004  # a week
        raise ValueError(text)
    return int(text) if text else None


def _bytes(text: str) -> int:
    size = int(text)
    if not 1 <= size <= 2**31 - 1:
        raise ValueError(text)
    return size


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 <= hours <= 87_600:  # noqa: PLR2004  # ten years
        raise ValueError(text)
    return hours


def _some_seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 60:  # noqa: PLR2004  # a claim on a delivery lasts little longer
        raise ValueError(text)
    return seconds


def _delays(text: str) -> tuple[float, ...]:
    return tuple(_seconds(word) for word in _words(text))


def _days(text: str) -> float:
    days = float(text)
    if not 1 <= days <= 36_500:  # noqa: PLR2004  # a century
        raise ValueError(text)
    return days


def _key_hours(text: str) -> float:
    hours = float(text)
    if not 1 <= hours <= 8_760:  # noqa: PLR2004  # a year
        raise ValueError(text)
    return hours


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _tls(text: str) -> str:
    if text not in {"off", "dev"}:
        raise ValueError(text)
    return text


def _path(text: str) -> Path | None:
    return Path(text) if text else None


_HOST_NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def _host_names(text: str) -> list[str]:
    names = [word.lower().strip("[]") for word in _words(text)]
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            ipaddress.ip_address(name)
    if not names:
        raise ValueError(text)
    return list(dict.fromkeys(names))


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("data", "rapport-data", Path, "a folder", "Where the store and everything beside it is kept."),
        Setting(
            "database_url",
            "",
            check_url,
            "a URL, such as postgresql://host/name",
            "PostgreSQL; without it, SQLite in the data folder.",
            show=masked,
            option="--database",
        ),
        Setting(
            "database_pooler",
            "none",
            _pooler,
            "none or transaction",
            "transaction: a pooler in that mode, such as PgBouncer, is between.",
        ),
        Setting(
            "database_replica_url",
            "",
            check_url,
            "a URL, such as postgresql://standby/name",
            "Standbys of the database, for counts, feeds and timelines.",
            show=masked,
        ),
        Setting("database_connections", "10", _connections, "2 to 1000", "Connections of a process, but two."),
        Setting("host", "127.0.0.1", str, "an address", "The address to listen on."),
        Setting("port", "8080", _port, "0 to 65535", "The port to listen on; 0 takes a free one."),
        Setting("workers", "1", _workers, "1 to 64", "Processes that serve; more than one need PostgreSQL."),
        Setting("rate_limit", "8000/60", parse_limit, "<requests>/<seconds>, or off", "Requests per user and window."),
        Setting(
            "redis_url",
            "",
            _redis_url,
            "a redis://, rediss:// or unix:// URL",
            "Shares the limits of processes, and wakes them.",
            show=masked,
        ),
        Setting(
            "look_seconds",
            "5",
            _some_seconds,
            "seconds, 0.1 to 60",
            "How often a process looks by itself for events that it is told of as a rule.",
        ),
        Setting("strict", "off", _flag, "on or off", "Refuse what is not DevRev's, and leave it out of answers."),
        Setting("sync", "full", _sync, "full or normal", "full: what was answered survives a power cut."),
        Setting("drain_seconds", "30", _seconds, "0 to 86400", "How long a stop waits for requests that have begun."),
        Setting(
            "drain_delay",
            "0",
            _seconds,
            "0 to 86400",
            "Seconds for which SIGTERM only makes /readyz fail, so that a proxy notices.",
        ),
        Setting("cors_origins", "", _words, "origins, by comma", "Web origins whose pages may call the API."),
        Setting("trusted_proxies", "", _words, "addresses, by comma", "Proxies whose X-Forwarded-* headers count."),
        Setting("tls", "off", _tls, "off or dev", "dev: HTTPS, with a local CA in the data folder."),
        Setting(
            "tls_name",
            "localhost,127.0.0.1,::1",
            _host_names,
            "names or addresses, by comma",
            "Whom the certificate of tls = dev is for.",
        ),
        Setting(
            "tls_cert",
            "",
            _path,
            "a PEM file",
            "HTTPS with this certificate and those that lead to its root.",
            twin=False,
        ),
        Setting("tls_key", "", _path, "a PEM file", "The private key of tls_cert.", twin=False),
        Setting("public_url", "", _public_url, "an http(s) URL", "What URLs begin with that are handed out."),
        Setting(
            "artifact_store",
            "",
            _object_store,
            "s3://bucket/prefix, gs://bucket/prefix or az://container/prefix",
            "Where files are kept; without it, in the data folder.",
        ),
        Setting("artifact_direct", "off", _flag, "on or off", "Downloads come from the artifact_store itself."),
        Setting("artifact_max_bytes", "268435456", _bytes, "1 to 2147483647", "How large an uploaded file may be."),
        Setting("artifact_url_ttl", "", _url_ttl, "seconds, 1 to 604800", "Life of signed URLs; else 60 and 15 min."),
        Setting("artifact_orphan_hours", "24", _hours, "0 to 87600", "How long unattached artifacts are kept."),
        Setting("webhook_timeout", "3", _some_seconds, "seconds, 0.1 to 60", "How long a webhook's receiver may take."),
        Setting(
            "webhook_retry_delays",
            # Eleven tries within a day: 30 s, 3 min, then doubling.
            "30,180,360,720,1440,2880,5760,11520,23040,40470",
            _delays,
            "seconds, by comma, each 0 to 86400",
            "How long after each failed attempt a delivery is tried again; then its webhook is given up.",
        ),
        Setting(
            "webhook_reverify_seconds",
            "3600",
            _seconds,
            "0 to 86400",
            "How long after a failed challenge a webhook that was given up is asked again.",
        ),
        Setting("webhook_allow_private", "off", _flag, "on or off", "Let webhooks reach private addresses."),
        Setting("event_retention_days", "90", _days, "1 to 36500", "How long the change feed goes back."),
        Setting("delivery_retention_days", "30", _days, "1 to 36500", "How long deliveries to webhooks are kept."),
        Setting("key_retention_hours", "24", _key_hours, "1 to 8760", "How long a key stands for its answer."),
        Setting("access_log", "off", _flag, "on or off", "One log line per request."),
    )
}
_FILE = "rapport.toml"
# Read by the command line itself, for `rapport call`.
_CLIENT_VARIABLES = frozenset({"RAPPORT_URL", "RAPPORT_TOKEN", "RAPPORT_TOKEN_FILE"})


class Value(NamedTuple):
    """A setting's value, what people see of it, and where it comes from."""

    value: Any
    text: str
    source: str


class Settings:
    """The values in force. Read them by name: `settings["port"]`."""

    def __init__(self, values: Mapping[str, Value], warnings: list[str]) -> None:
        self.values = values
        self.warnings = warnings

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value


def load(
    flags: Mapping[str, Any], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Settings:
    """Read every setting.

    Args:
        flags: from the command line; None where a flag was not given.
        environment: without it, this process's.
        folder: where `rapport.toml` may lie; without it, the working folder.

    Raises:
        SettingError: a value or the file can't be used.
    """
    environment = os.environ if environment is None else environment
    written = _read_file((folder or Path()) / _FILE)
    warnings = [f"{_FILE}: there is no setting {name!r}" for name in written if name not in SETTINGS]
    known = {name for setting in SETTINGS.values() for name in _variables(setting)}
    warnings += [
        f"there is no setting {name}"
        for name in sorted(environment)
        if name.startswith("RAPPORT_") and name not in known | _CLIENT_VARIABLES
    ]
    values = {}
    for setting in SETTINGS.values():
        text, source = _find(setting, flags, environment, written)
        try:
            values[setting.name] = Value(setting.read(text), setting.show(text), source)
        except (ValueError, KeyError):
            shown = setting.show(text)
            raise SettingError(f"{setting.name} is {shown!r} (from {source}), but must be {setting.rule}") from None
    if values["sync"].value == "normal":
        warnings.append("sync is normal: the last writes may be lost when the machine loses power")
    return Settings(values, warnings)


def _variables(setting: Setting) -> list[str]:
    return [setting.variable, f"{setting.variable}_FILE"] if setting.twin else [setting.variable]


def _find(
    setting: Setting, flags: Mapping[str, Any], environment: Mapping[str, str], written: Mapping[str, Any]
) -> tuple[str, str]:
    if flags.get(setting.name) is not None:
        return str(flags[setting.name]), setting.option or f"--{setting.name.replace('_', '-')}"
    if setting.variable in environment:
        return environment[setting.variable], setting.variable
    if setting.twin and (twin := f"{setting.variable}_FILE") in environment:
        try:
            return Path(environment[twin]).read_text(encoding="utf-8").strip(), twin
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{twin}: {environment[twin]} can't be read: {error}") from None
    if setting.name in written:
        return _as_text(written[setting.name]), _FILE
    return setting.default, "default"


def _as_text(value: Any) -> str:
    """A value of the file as it would stand in the environment."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path.name} can't be read: {error}") from None

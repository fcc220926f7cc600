"""Every setting, declared once: flags over `RAPPORT_*` over `rapport.toml` over the default
(behaviour: Settings and the data folder).

A file that `--config` names is the only one that is read. Else there may be a `rapport.toml` in the
working folder, and one in the data folder; what the first one says counts for more.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from rapport.ratelimit import Limit, parse_limit
from rapport.store.postgres.urls import check_url, masked

FILE = "rapport.toml"
CONFIG_VARIABLE = "RAPPORT_CONFIG"
# Read by the command line itself: which file, and for whom `rapport call` and `rapport webhooks`
# speak.
_OTHER_VARIABLES = frozenset(
    {
        CONFIG_VARIABLE,
        "RAPPORT_URL",
        "RAPPORT_TOKEN",
        "RAPPORT_TOKEN_FILE",
        "RAPPORT_WEBHOOK_SECRET",
    }
)
# What each file says, by its name, from the one that counts most.
_Files = dict[str, dict[str, Any]]
_ABSENT = (FileNotFoundError, NotADirectoryError)
_T = TypeVar("_T")
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_LOOPBACK = (ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("::1"))


class SettingError(Exception):
    """A value can't be used; one sentence says which and why."""


class Rule(NamedTuple, Generic[_T]):
    """What a setting takes.

    Args:
        read: turns text into the value, raising ValueError.
        words: the same for people, after "must be".
    """

    read: Callable[[str], _T]
    words: str


class Setting(NamedTuple):
    """What is known of a setting, but its type.

    Args:
        name: as in `rapport.toml`; in the environment `RAPPORT_<NAME>`.
        default: as text.
        rule: what it takes.
        sentence: what it is for.
        secret: the value may hold a password, which people don't get to see.
        twin: `RAPPORT_<NAME>_FILE` names a file that holds the value.
        option: of the command line, where it has one.
    """

    name: str
    default: str
    rule: Rule[Any]
    sentence: str
    secret: bool
    twin: bool
    option: str

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"RAPPORT_{self.name.upper()}"

    def shown(self, text: str) -> str:
        """The value as people may see it."""
        return masked(text) if self.secret else text


def _setting(
    rule: Rule[_T],
    default: str,
    sentence: str,
    *,
    option: str = "",
    secret: bool = False,
    twin: bool = True,
) -> _T:
    """Declare a setting; the field has the type that its rule reads."""
    told = {"rule": rule, "default": default, "sentence": sentence}
    return cast("_T", field(metadata={**told, "option": option, "secret": secret, "twin": twin}))


# Rules


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


def _optional(rule: Rule[_T]) -> Rule[_T | None]:
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


_FLAG = Rule(_flag, "on or off")
_FOLDER = Rule(read_path, "a folder")
_PEM = _optional(Rule(read_path, "a PEM file"))
_DAY = between(float, 0, 86_400, "seconds")
# A claim on a delivery lasts little longer than a minute.
_MOMENT = between(float, 0.1, 60, "seconds")
_DAYS = between(float, 1, 36_500, "days")
_DELAYS = Rule(lambda text: tuple(map(_DAY.read, _words(text))), f"{_DAY.words}, several by comma")
_DATABASE = Rule(check_url, "a URL, such as postgresql://host/name")


class Found(NamedTuple):
    """A setting's value as people may see it, and where it comes from."""

    value: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values in force; `found` and `warnings` say how they came about."""

    found: Mapping[str, Found]
    warnings: tuple[str, ...]

    data: Path = _setting(
        _FOLDER,
        "rapport-data",
        "Where the store and everything beside it is kept.",
        option="--data",
    )
    database_url: str = _setting(
        _DATABASE,
        "",
        "PostgreSQL; without it, SQLite in the data folder.",
        option="--database",
        secret=True,
    )
    database_pooler: str = _setting(
        one_of("none", "transaction"),
        "none",
        "transaction: a pooler in that mode, such as PgBouncer, is between.",
    )
    database_replica_url: str = _setting(
        _DATABASE, "", "Standbys of the database, for counts, feeds and timelines.", secret=True
    )
    # One for a write and one for a read at the least.
    database_connections: int = _setting(
        between(int, 2, 1_000), "10", "Connections of a process, but two."
    )
    host: str = _setting(
        Rule(read_host, "an address or a name, such as 127.0.0.1 or ::1"),
        "127.0.0.1",
        "The address to listen on.",
        option="--host",
    )
    port: int = _setting(
        between(int, 0, 65_535),
        "8080",
        "The port to listen on; 0 takes a free one.",
        option="--port",
    )
    workers: int = _setting(
        between(int, 1, 64),
        "1",
        "Processes that serve; more than one need PostgreSQL.",
        option="--workers",
    )
    rate_limit: Limit | None = _setting(
        Rule(parse_limit, "<requests>/<seconds>, or off"),
        "8000/60",
        "Requests per user and window.",
    )
    redis_url: str = _setting(
        Rule(_redis_url, "a redis://, rediss:// or unix:// URL"),
        "",
        "Shares the limits of processes, and wakes them.",
        secret=True,
    )
    look_seconds: float = _setting(
        _MOMENT, "5", "How often a process looks by itself for events that it is told of as a rule."
    )
    strict: bool = _setting(
        _FLAG, "off", "Refuse what is not DevRev's, and leave it out of answers."
    )
    sync: str = _setting(
        one_of("full", "normal"), "full", "full: what was answered survives a power cut."
    )
    drain_seconds: float = _setting(
        _DAY, "30", "How long a stop waits for requests that have begun."
    )
    drain_delay: float = _setting(
        _DAY, "0", "How long SIGTERM only makes /readyz fail at first, so that a proxy notices."
    )
    cors_origins: list[str] = _setting(
        Rule(_words, "origins, by comma"), "", "Web origins whose pages may call the API."
    )
    trusted_proxies: list[str] = _setting(
        Rule(_words, "addresses, by comma"), "", "Proxies whose X-Forwarded-* headers count."
    )
    tls: str = _setting(
        one_of("off", "dev"),
        "off",
        "dev: HTTPS, with a local CA in the data folder.",
        option="--tls",
    )
    tls_name: list[str] = _setting(
        Rule(_host_names, "names or addresses, by comma"),
        "localhost,127.0.0.1,::1",
        "Whom the certificate of tls = dev is for.",
        option="--tls-name",
    )
    tls_cert: Path | None = _setting(
        _PEM,
        "",
        "HTTPS with this certificate and those that lead to its root.",
        option="--tls-cert",
        twin=False,
    )
    tls_key: Path | None = _setting(
        _PEM, "", "The private key of tls_cert.", option="--tls-key", twin=False
    )
    public_url: str = _setting(
        Rule(_public_url, "an http(s) URL"), "", "What URLs begin with that are handed out."
    )
    artifact_store: str = _setting(
        Rule(_object_store, "s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"),
        "",
        "Where files are kept; without it, in the data folder.",
    )
    artifact_direct: bool = _setting(_FLAG, "off", "Downloads come from the artifact_store itself.")
    artifact_max_bytes: int = _setting(
        between(int, 1, 2**31 - 1), "268435456", "How large an uploaded file may be."
    )
    # Up to a week.
    artifact_url_ttl: int | None = _setting(
        _optional(between(int, 1, 604_800, "seconds")),
        "",
        "Life of signed URLs; without it 60 minutes for uploads and 15 for downloads.",
    )
    # Up to ten years.
    artifact_orphan_hours: float = _setting(
        between(float, 0, 87_600, "hours"), "24", "How long unattached artifacts are kept."
    )
    webhook_timeout: float = _setting(_MOMENT, "3", "How long a webhook's receiver may take.")
    webhook_retry_delays: tuple[float, ...] = _setting(
        _DELAYS,
        # Eleven tries within a day: 30 s, 3 min, then doubling.
        "30,180,360,720,1440,2880,5760,11520,23040,40470",
        "How long after each failed attempt a delivery is tried again; then its webhook is given "
        "up.",
    )
    webhook_reverify_seconds: float = _setting(
        _DAY,
        "3600",
        "How long after a failed challenge a webhook that was given up is asked again.",
    )
    webhook_allow_private: bool = _setting(_FLAG, "off", "Let webhooks reach private addresses.")
    event_retention_days: float = _setting(_DAYS, "90", "How long the change feed goes back.")
    delivery_retention_days: float = _setting(
        _DAYS, "30", "How long deliveries to webhooks are kept."
    )
    # Up to ten years.
    purge_deleted_days: float | None = _setting(
        _optional(between(float, 0, 3_650, "days")),
        "",
        "How long after their deletion engagements and meetings are purged; without it, never.",
    )
    # Up to a year.
    key_retention_hours: float = _setting(
        between(float, 1, 8_760, "hours"), "24", "How long a key stands for its answer."
    )
    metrics_token: str = _setting(
        Rule(str, "text"), "", "Who bears it may see /metrics.", secret=True
    )
    metrics_from: list[IpNetwork] = _setting(
        Rule(_networks, "addresses or networks, by comma"),
        "",
        "Who comes from there may see /metrics; 127.0.0.1 and ::1, where there is no token either.",
    )
    access_log: bool = _setting(_FLAG, "off", "One log line per request.")

    @property
    def metrics_networks(self) -> Sequence[IpNetwork]:
        """From where /metrics may be seen."""
        return self.metrics_from or (() if self.metrics_token else _LOOPBACK)


SETTINGS = {
    declared.name: Setting(name=declared.name, **declared.metadata)
    for declared in fields(Settings)
    if declared.metadata
}


# Reading them


def load(
    flags: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    *,
    only: Collection[str] = SETTINGS,
) -> Settings:
    """Read the settings.

    Args:
        flags: from the command line, by the settings' names, and `config`; None where a flag was
            not given.
        environment: without it, this process's.
        folder: where `rapport.toml` may lie, and a relative data folder; without it, the working
            folder.
        only: those that are wanted; the others keep their defaults, whatever is said of them.

    Raises:
        SettingError: a value or a file can't be used.
    """
    environment = os.environ if environment is None else environment
    files = _files(flags, environment, folder or Path(), data_too="data" in only)
    texts = {
        setting.name: _find(setting, flags, environment, files)
        if setting.name in only
        else (setting.default, "default")
        for setting in SETTINGS.values()
    }
    values = {name: _read(SETTINGS[name], *text) for name, text in texts.items()}
    found = {
        name: Found(SETTINGS[name].shown(text), source) for name, (text, source) in texts.items()
    }
    warnings = _unknown(environment, files)
    if values["sync"] == "normal":
        warnings.append("sync is normal: the last writes may be lost when the machine loses power")
    return Settings(found=found, warnings=tuple(warnings), **values)


def _find(
    setting: Setting, flags: Mapping[str, Any], environment: Mapping[str, str], files: _Files
) -> tuple[str, str]:
    """A setting's text, and where it is from."""
    if flags.get(setting.name) is not None:
        return str(flags[setting.name]), setting.option
    if setting.variable in environment:
        return environment[setting.variable], setting.variable
    if setting.twin and (twin := f"{setting.variable}_FILE") in environment:
        return _contents(environment[twin], twin), twin
    for name, written in files.items():
        if setting.name in written:
            return _as_text(written[setting.name]), name
    return setting.default, "default"


def _read(setting: Setting, text: str, source: str) -> Any:
    if not is_unicode(text):
        raise SettingError(f"{setting.name} (from {source}) is not UTF-8")
    try:
        return setting.rule.read(text)
    except (ValueError, KeyError):
        shown = setting.shown(text)
        raise SettingError(
            f"{setting.name} is {shown!r} (from {source}), but must be {setting.rule.words}"
        ) from None


def is_unicode(text: str) -> bool:
    """Whether the text came as UTF-8: of what did not, surrogates are kept."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _unknown(environment: Mapping[str, str], files: _Files) -> list[str]:
    """What is said of no setting."""
    known = {
        name for setting in SETTINGS.values() for name in _variables(setting)
    } | _OTHER_VARIABLES
    said = [
        (name, key) for name, written in files.items() for key in written if key not in SETTINGS
    ]
    return [f"{name}: there is no setting {key!r}" for name, key in said] + [
        f"there is no setting {name}"
        for name in sorted(environment)
        if name.startswith("RAPPORT_") and name not in known
    ]


def _variables(setting: Setting) -> list[str]:
    return [setting.variable, f"{setting.variable}_FILE"] if setting.twin else [setting.variable]


def _contents(path: str, variable: str) -> str:
    try:
        return read_path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingError(f"{variable}: {path} can't be read: {error}") from None


def _as_text(value: Any) -> str:
    """A value of the file as it would stand in the environment."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _files(
    flags: Mapping[str, Any], environment: Mapping[str, str], folder: Path, *, data_too: bool
) -> _Files:
    """What the files say, from the one that counts most."""
    flag = flags.get("config")
    if flag is not None or CONFIG_VARIABLE in environment:
        named, source = (
            (str(flag), "--config")
            if flag is not None
            else (environment[CONFIG_VARIABLE], CONFIG_VARIABLE)
        )
        return {named: _named_file(named, source)}
    files = {FILE: _file_if_any(folder / FILE, FILE)}
    if data_too:
        data: Path = folder / _read(
            SETTINGS["data"], *_find(SETTINGS["data"], flags, environment, files)
        )
        if data.resolve() != folder.resolve():
            name = str(data / FILE)
            # Which folder it is has been settled by now: the file in it can't say.
            files[name] = {
                key: value
                for key, value in _file_if_any(data / FILE, name).items()
                if key != "data"
            }
    return files


def _named_file(name: str, source: str) -> dict[str, Any]:
    """What the file says that the operator names."""
    try:
        return _file(read_path(name), name)
    except _ABSENT:
        raise SettingError(f"{source}: there is no file {name}") from None
    except ValueError:
        raise SettingError(f"{source} is {name!r}, but must be a file, such as {FILE}") from None


def _file_if_any(path: Path, name: str) -> dict[str, Any]:
    try:
        return _file(path, name)
    except _ABSENT:
        return {}


def _file(path: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except _ABSENT:
        raise
    except (OSError, ValueError) as error:
        raise SettingError(f"{name} can't be read: {error}") from None

"""Every setting, declared once: flags over `RAPPORT_*` over `rapport.toml` over the default
(behaviour: Settings and the data folder).

A file that `--config` names is the only one that is read. Else there may be a `rapport.toml` in the
working folder, and one in the data folder; what the first one says counts for more.
"""

import ipaddress
import os
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from rapport import setting_rules as rules
from rapport.ratelimit import Limit
from rapport.setting_rules import IpNetwork, Rule, read_path
from rapport.store.postgres.urls import masked

_T = TypeVar("_T")

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
_LOOPBACK = (ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("::1"))


class SettingError(Exception):
    """A value can't be used; one sentence says which and why."""


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
        rules.FOLDER,
        "rapport-data",
        "Where the store and everything beside it is kept.",
        option="--data",
    )
    database_url: str = _setting(
        rules.DATABASE_URL,
        "",
        "PostgreSQL; without it, SQLite in the data folder.",
        option="--database",
        secret=True,
    )
    database_pooler: str = _setting(
        rules.one_of("none", "transaction"),
        "none",
        "transaction: a pooler in that mode, such as PgBouncer, is between.",
    )
    database_replica_url: str = _setting(
        rules.DATABASE_URL,
        "",
        "Standbys of the database, for counts, feeds and timelines.",
        secret=True,
    )
    # One for a write and one for a read at the least.
    database_connections: int = _setting(
        rules.between(int, 2, 1_000), "10", "Connections of a process, but two."
    )
    host: str = _setting(
        rules.HOST,
        "127.0.0.1",
        "The address to listen on.",
        option="--host",
    )
    port: int = _setting(
        rules.between(int, 0, 65_535),
        "8080",
        "The port to listen on; 0 takes a free one.",
        option="--port",
    )
    workers: int = _setting(
        rules.between(int, 1, 64),
        "1",
        "Processes that serve; more than one need PostgreSQL.",
        option="--workers",
    )
    rate_limit: Limit | None = _setting(
        rules.LIMIT,
        "8000/60",
        "Requests per user and window.",
    )
    redis_url: str = _setting(
        rules.REDIS_URL,
        "",
        "Shares the limits of processes, and wakes them.",
        secret=True,
    )
    look_seconds: float = _setting(
        rules.MOMENT,
        "5",
        "How often a process looks by itself for events that it is told of as a rule.",
    )
    strict: bool = _setting(
        rules.FLAG, "off", "Refuse what is not DevRev's, and leave it out of answers."
    )
    sync: str = _setting(
        rules.one_of("full", "normal"), "full", "full: what was answered survives a power cut."
    )
    drain_seconds: float = _setting(
        rules.UP_TO_A_DAY, "30", "How long a stop waits for requests that have begun."
    )
    drain_delay: float = _setting(
        rules.UP_TO_A_DAY,
        "0",
        "How long SIGTERM only makes /readyz fail at first, so that a proxy notices.",
    )
    cors_origins: list[str] = _setting(
        rules.ORIGINS, "", "Web origins whose pages may call the API."
    )
    trusted_proxies: list[str] = _setting(
        rules.ADDRESSES, "", "Proxies whose X-Forwarded-* headers count."
    )
    tls: str = _setting(
        rules.one_of("off", "dev"),
        "off",
        "dev: HTTPS, with a local CA in the data folder.",
        option="--tls",
    )
    tls_name: list[str] = _setting(
        rules.HOST_NAMES,
        "localhost,127.0.0.1,::1",
        "Whom the certificate of tls = dev is for.",
        option="--tls-name",
    )
    tls_cert: Path | None = _setting(
        rules.PEM,
        "",
        "HTTPS with this certificate and those that lead to its root.",
        option="--tls-cert",
        twin=False,
    )
    tls_key: Path | None = _setting(
        rules.PEM, "", "The private key of tls_cert.", option="--tls-key", twin=False
    )
    public_url: str = _setting(rules.PUBLIC_URL, "", "What URLs begin with that are handed out.")
    artifact_store: str = _setting(
        rules.OBJECT_STORE,
        "",
        "Where files are kept; without it, in the data folder.",
    )
    artifact_direct: bool = _setting(
        rules.FLAG, "off", "Downloads come from the artifact_store itself."
    )
    artifact_max_bytes: int = _setting(
        rules.between(int, 1, 2**31 - 1), "268435456", "How large an uploaded file may be."
    )
    # Up to a week.
    artifact_url_ttl: int | None = _setting(
        rules.optional(rules.between(int, 1, 604_800, "seconds")),
        "",
        "Life of signed URLs; without it 60 minutes for uploads and 15 for downloads.",
    )
    # Up to ten years.
    artifact_orphan_hours: float = _setting(
        rules.between(float, 0, 87_600, "hours"), "24", "How long unattached artifacts are kept."
    )
    webhook_timeout: float = _setting(rules.MOMENT, "3", "How long a webhook's receiver may take.")
    webhook_retry_delays: tuple[float, ...] = _setting(
        rules.DELAYS,
        # Eleven tries within a day: 30 s, 3 min, then doubling.
        "30,180,360,720,1440,2880,5760,11520,23040,40470",
        "How long after each failed attempt a delivery is tried again; then its webhook is given "
        "up.",
    )
    webhook_reverify_seconds: float = _setting(
        rules.UP_TO_A_DAY,
        "3600",
        "How long after a failed challenge a webhook that was given up is asked again.",
    )
    webhook_allow_private: bool = _setting(
        rules.FLAG, "off", "Let webhooks reach private addresses."
    )
    event_retention_days: float = _setting(rules.DAYS, "90", "How long the change feed goes back.")
    delivery_retention_days: float = _setting(
        rules.DAYS, "30", "How long deliveries to webhooks are kept."
    )
    # Up to ten years.
    purge_deleted_days: float | None = _setting(
        rules.optional(rules.between(float, 0, 3_650, "days")),
        "",
        "How long after their deletion engagements and meetings are purged; without it, never.",
    )
    # Up to a year.
    key_retention_hours: float = _setting(
        rules.between(float, 1, 8_760, "hours"), "24", "How long a key stands for its answer."
    )
    metrics_token: str = _setting(rules.TEXT, "", "Who bears it may see /metrics.", secret=True)
    metrics_from: list[IpNetwork] = _setting(
        rules.NETWORKS,
        "",
        "Who comes from there may see /metrics; 127.0.0.1 and ::1, where there is no token either.",
    )
    backup_to: str = _setting(
        rules.BACKUP_TARGET, "", "Where the server backs itself up to; without it, nowhere."
    )
    backup_every: float = _setting(rules.DURATION, "1d", "How much time lies between two backups.")
    backup_keep: tuple[int, int, int] | None = _setting(
        rules.BACKUP_KEEP,
        "",
        "Of as many days, weeks and months the newest backup stays; without it, all stay.",
    )
    backup_encrypt_to: list[str] = _setting(rules.RECIPIENTS, "", "Whom those backups are for.")
    backup_passphrase_file: Path | None = _setting(
        rules.FILE,
        "",
        "Holds the passphrase of those backups, in place of recipients.",
        twin=False,
    )
    access_log: bool = _setting(rules.FLAG, "off", "One log line per request.")

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

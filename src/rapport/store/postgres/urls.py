"""PostgreSQL's URLs, as libpq takes them: what is secret in them, and their hosts one by one."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

# What libpq reads in a URL and this program's driver would send to the server, which refuses it.
# Those that ask for more safety than the driver has are not here: they had better be refused.
_CLIENTS_OWN = frozenset({
    "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
    "tcp_user_timeout", "load_balance_hosts", "fallback_application_name", "client_encoding",
    "sslcompression",
})  # fmt: skip
_PASSWORD = re.compile(r"(//[^:@/]*:)[^@/]*@|((?:ssl)?password=)[^&]*")


def check_url(text: str) -> str:
    """Check that it is a URL of PostgreSQL, or empty.

    Raises:
        ValueError: it is none.
    """
    if text and urlsplit(text).scheme not in {"postgresql", "postgres"}:
        raise ValueError("not a PostgreSQL URL")
    return text


def masked(url: str) -> str:
    """The URL without its passwords, for people to see."""
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", url)


def host_of(url: str) -> str:
    """The host that a URL of one host names, or the folder of its socket, for people."""
    parts = urlsplit(url)
    return (
        parts.netloc.rpartition("@")[2]
        or dict(parse_qsl(parts.query)).get("host")
        or "the default host"
    )


def hosts_of(url: str) -> list[str]:
    """One URL for each of the URL's hosts, in its order."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in _CLIENTS_OWN]
    user, at, hosts = parts.netloc.rpartition("@")
    named = dict(query)
    rest = [(name, value) for name, value in query if name not in {"host", "port"}]
    if hosts or "host" not in named:
        ends = [(f"{user}{at}{host}", query) for host in hosts.split(",")]
    else:
        names = named["host"].split(",")
        ports = named.get("port", "5432").split(",")
        ports = ports * len(names) if len(ports) == 1 else ports
        ends = [
            (f"{user}{at}", [*rest, ("host", host), ("port", port)])
            for host, port in zip(names, ports, strict=True)
        ]
    return [parts._replace(netloc=netloc, query=urlencode(own)).geturl() for netloc, own in ends]

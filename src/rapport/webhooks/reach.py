"""Where webhooks may go: to public addresses only, unless the operator says otherwise (behaviour:
Webhooks).

Whoever may make a webhook makes this server send requests. So that it opens no door into the
network around it, what a URL says is checked when it is written, and what its name leads to each
time before it is dialled.
"""

import asyncio
import ipaddress
import re
import socket
import threading
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Public by the registries, but not the public's: what translates or relays to any IPv4 address, and
# a cloud's own.
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",
            "192.88.99.0/24",
            "168.63.129.16/32",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
        ),
    )
)
# All of IPv6 that was ever given out; so mapped, compatible, local and multicast addresses are out
# at once.
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
# Names that mean the machine or network they are said in (RFC 6761, RFC 6762, RFC 8375, RFC 9476),
# or nothing at all.
_LOCAL = ("localhost", "local", "internal", "home.arpa", "lan", "intranet", "corp", "home")
_NOWHERE = ("invalid",)
# What looks like a number to some resolver: 127.1, 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Unreachable(Exception):
    """Nothing is dialled; the text says why."""


class Target(NamedTuple):
    """Where a connection goes: checked, and dialled as it is."""

    family: int
    address: tuple[Any, ...]


class Reach:
    """The rule for where webhooks may go.

    Args:
        allow_private: everywhere, for tests and for receivers in one's own network.
    """

    def __init__(self, *, allow_private: bool = False) -> None:
        self.allow_private = allow_private

    def problem(self, url: str) -> str | None:
        """Why a URL can't be a webhook's, as far as its text tells; None when it can."""
        host = (urlsplit(url).hostname or "").lower()
        if self.allow_private:
            return None
        address = _literal(host)
        if address is not None:
            return (
                None
                if is_public(address)
                else f"must not lead to {address}, which is no public address"
            )
        labels = host.split(".")
        if not labels[-1]:
            return "must not end its host with a dot"
        if _NUMBER.fullmatch(labels[-1]):
            return "must write an IPv4 address as four decimal numbers"
        if any(host == name or host.endswith(f".{name}") for name in _LOCAL):
            return f"must not lead to {host}, which is a name of a local network"
        return None if len(labels) > 1 else f"must not lead to {host}, which is no public name"

    async def targets(self, url: str) -> list[Target]:
        """Where a URL leads now; every one of them may be dialled.

        Raises:
            Unreachable: nowhere, or to something that is not public.
        """
        parts = urlsplit(url)
        host, port = (
            (parts.hostname or "").lower(),
            parts.port or (443 if parts.scheme.lower() == "https" else 80),
        )
        if problem := self.problem(url):
            raise Unreachable(f"not dialled: the URL {problem}")
        if host.rpartition(".")[2] in _NOWHERE:
            raise Unreachable(f"{host} does not resolve: names under .invalid never do")
        literal = _literal(host)
        if literal is not None:
            family = socket.AF_INET if literal.version == 4 else socket.AF_INET6  # noqa: PLR2004  # IPv4
            return [Target(family, (str(literal), port))]
        found = await _resolve(host, port)
        for target in found:
            address = target.address[0]
            if not self.allow_private and not is_public(ipaddress.ip_address(address)):
                raise Unreachable(
                    f"not dialled: {host} resolves to {address}, which is no public address"
                )
        return found


def is_public(address: _Address) -> bool:
    """True for an address that anybody may reach."""
    if address.version == 6 and (address not in _GIVEN_OUT or address.scope_id):  # noqa: PLR2004  # IPv6
        return False
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(
        address in network for network in _NOT_PUBLIC if network.version == address.version
    )


def _literal(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


async def _resolve(host: str, port: int) -> list[Target]:
    """What the system's resolver says, asked in a thread of its own: a slow one keeps nobody else
    waiting.

    Raises:
        Unreachable: nothing.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[list[Target]] = loop.create_future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            _tell(loop, answered, Unreachable(f"{host} does not resolve: {error}"))
        else:
            _tell(loop, answered, [Target(family, address) for family, _, _, _, address in found])

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    return await answered


def _tell(
    loop: asyncio.AbstractEventLoop,
    answered: "asyncio.Future[list[Target]]",
    outcome: list[Target] | Unreachable,
) -> None:
    def settle() -> None:
        if answered.done():
            return  # nobody waits any more
        if isinstance(outcome, Unreachable):
            answered.set_exception(outcome)
        else:
            answered.set_result(outcome)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        return  # the loop is closed, and with it the server

"""TLS with the operator's own certificate, or one from the data folder's own CA."""

import shlex
import ssl
from collections.abc import Callable
from pathlib import Path

from rapport.folder import CannotStart
from rapport.settings import Settings

# What Python and OpenSSL, Node, and requests read the file of trusted CAs from.
_TRUST = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")


class TlsError(Exception):
    """TLS can't be had; one sentence says why."""


def context(cert: Path, key: Path) -> ssl.SSLContext:
    """A server's TLS context, TLS 1.2 and later.

    Args:
        cert: the certificate in PEM, followed by those between it and its root.
        key: its private key in PEM, without a passphrase.

    Raises:
        TlsError: one of them can't be read, is something else, or they don't belong together.
    """
    for name, path in (("tls_cert", cert), ("tls_key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise TlsError(f"{name}: {path} can't be read: {error.strerror}") from None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password, OpenSSL would ask for one on the terminal.
        made.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError(f"tls_key: {key} is not the key of the certificate in {cert}") from None
        raise TlsError(
            f"tls_cert and tls_key must be a certificate and its key in PEM, without a passphrase, "
            f"and {cert} and {key} are not"
        ) from None
    return made


def own(settings: Settings) -> ssl.SSLContext | None:
    """TLS with the operator's certificate; None where there is none.

    Raises:
        CannotStart: the settings contradict one another, or the files can't be used.
    """
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise CannotStart("tls_cert and tls_key go together: give both or none")
    if settings.tls == "dev":
        raise CannotStart(
            "tls = dev makes its own certificate: leave out either it or tls_cert and tls_key"
        )
    try:
        return context(cert, key)
    except TlsError as error:
        raise CannotStart(str(error)) from None


def chosen(settings: Settings) -> ssl.SSLContext | None:
    """TLS with the operator's certificate, or one from the data folder's own CA; None where there
    is none.

    Raises:
        CannotStart: it can't be had.
    """
    if settings.tls != "dev":
        return own(settings)
    from rapport.serving import local_ca  # noqa: PLC0415  # takes a tenth of a second that other starts save

    try:
        files = local_ca.ensure(settings.data / "tls", settings.tls_name)
        return context(files.cert, files.key)
    except TlsError as error:
        raise CannotStart(str(error)) from None


def say_trust(settings: Settings, say: Callable[[str], None]) -> None:
    """Tell the operator how clients come to trust the data folder's own CA."""
    ca = shlex.quote(str((settings.data / "tls" / "ca.pem").resolve()))
    say("Clients trust this server's certificate after:")
    say(f"export {' '.join(f'{name}={ca}' for name in _TRUST)}")

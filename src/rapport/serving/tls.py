"""TLS with the operator's own certificate."""

import ssl
from pathlib import Path


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

"""A local certificate authority in the data folder, and this server's certificate from it:
`--tls dev`.
"""

import contextlib
import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rapport.serving.tls import TlsError

_CA_LIFE = timedelta(days=3650)
# No longer than what clients accept, Apple's being the strictest.
_LIFE = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=30)
_SKEW = timedelta(hours=1)


class Files(NamedTuple):
    """Where they are: clients trust `ca`, the server shows `cert` and has `key`."""

    ca: Path
    cert: Path
    key: Path


class _Pair(NamedTuple):
    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure(folder: Path, names: Sequence[str], now: datetime | None = None) -> Files:
    """See to it that there are a CA and a certificate for these names, making what is missing,
    other, or near its end.

    Args:
        folder: theirs alone; 0700, its files 0600.
        names: host names and addresses, as clients write them.
        now: without it, the present.

    Raises:
        TlsError: the folder can't be used, or its CA is broken.
    """
    now = now or datetime.now(UTC)
    files = Files(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        ca = _authority(files.ca, folder / "ca.key", now)
        if not _is_good(files, ca, names, now):
            made = _certificate(ca, names, now)
            _write(files.key, _key_bytes(made.key))
            _write(files.cert, made.cert.public_bytes(serialization.Encoding.PEM))
    except OSError as error:
        raise TlsError(f"the folder {folder} can't be used: {error.strerror}") from None
    return files


def _authority(cert: Path, key: Path, now: datetime) -> _Pair:
    if cert.exists() or key.exists():
        try:
            found = _read(cert, key)
        except (OSError, ValueError, TypeError):
            raise TlsError(
                f"the CA in {cert.parent} is broken: remove that folder to make a new one"
            ) from None
        if found.cert.not_valid_after_utc >= now + _LIFE:
            return found
    made = _new_authority(now)
    _write(key, _key_bytes(made.key))
    _write(cert, made.cert.public_bytes(serialization.Encoding.PEM))
    return made


def _new_authority(now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Rapport local CA {now:%Y-%m-%d %H:%M:%S}")]
    )
    builder = _builder(name, name, key, now, _CA_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return _Pair(builder.sign(key, hashes.SHA256()), key)


def _certificate(ca: _Pair, names: Sequence[str], now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Rapport")])
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    builder = _builder(subject, ca.cert.subject, key, now, _LIFE)
    builder = builder.add_extension(
        x509.SubjectAlternativeName(_general_names(names)), critical=False
    )
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
    )
    builder = builder.add_extension(issued_by, critical=False)
    return _Pair(builder.sign(ca.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    own_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
        .add_extension(own_id, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _is_good(files: Files, ca: _Pair, names: Sequence[str], now: datetime) -> bool:
    with contextlib.suppress(
        OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound
    ):
        found = _read(files.cert, files.key)
        found.cert.verify_directly_issued_by(ca.cert)
        written = found.cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return (
            set(written) == set(_general_names(names))
            and found.cert.not_valid_after_utc >= now + _RENEW_BEFORE
        )
    return False


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _read(cert: Path, key: Path) -> _Pair:
    """Read a certificate and its key.

    Raises:
        OSError: one of them can't be read.
        ValueError: one of them is something else, or they don't belong together.
        TypeError: the key has a passphrase.
    """
    found = x509.load_pem_x509_certificate(cert.read_bytes())
    private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    if (
        not isinstance(private, ec.EllipticCurvePrivateKey)
        or private.public_key() != found.public_key()
    ):
        raise ValueError(cert)
    return _Pair(found, private)


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Put a file in place whole, readable by this user alone from its first byte on."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)

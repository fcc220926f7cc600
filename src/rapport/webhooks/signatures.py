"""What a delivery is signed with, so that its receiver knows who sent it: DevRev's header, and
Standard Webhooks.

DevRev's is the HMAC-SHA256 of the raw body in hex, keyed with the bytes of the secret's text.
Standard Webhooks signs `<id>.<seconds>.<body>`, keyed with the decoded secret, and has room for
several signatures: so a secret can be changed.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

_NEW_BYTES = 24
# How far a receiver's clock may be from ours, in seconds; what Standard Webhooks' own libraries
# allow.
TOLERANCE = 300


class BadSignature(Exception):
    """A delivery is not signed with this secret; one sentence says what is wrong."""


def make_secret() -> str:
    """A new secret, as plain base64."""
    return base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()


def sign(body: bytes, *, event_id: str, seconds: int, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that sign a body.

    Args:
        body: as it is sent.
        event_id: what it tells, the same on every attempt.
        seconds: since 1970, of this attempt.
        secrets: the one in force first; those that are still valid behind it.
    """
    return {
        "x-devrev-signature": _devrev(body, secrets[0]),
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(
            _standard(body, event_id, seconds, secret) for secret in secrets
        ),
    }


def verify(body: bytes, headers: Mapping[str, str], secret: str, *, now: int) -> list[str]:
    """Check every signature that a delivery carries.

    Args:
        body: as it came.
        headers: by lower-case name.
        secret: the webhook's, as the API shows it.
        now: seconds since 1970.

    Returns:
        The headers that were good.

    Raises:
        BadSignature: there is none, or one is wrong or too old.
    """
    good = []
    if "x-devrev-signature" in headers:
        if not hmac.compare_digest(headers["x-devrev-signature"].lower(), _devrev(body, secret)):
            raise BadSignature("X-DevRev-Signature is not of this body and secret")
        good.append("x-devrev-signature")
    if "webhook-signature" in headers:
        _check_standard(body, headers, secret, now)
        good.append("webhook-signature")
    if not good:
        raise BadSignature("there is neither X-DevRev-Signature nor Webhook-Signature")
    return good


def _check_standard(body: bytes, headers: Mapping[str, str], secret: str, now: int) -> None:
    try:
        event_id, seconds = headers["webhook-id"], int(headers["webhook-timestamp"])
    except (KeyError, ValueError):
        raise BadSignature(
            "Webhook-Signature needs Webhook-Id and Webhook-Timestamp beside it"
        ) from None
    if abs(now - seconds) > TOLERANCE:
        raise BadSignature(
            f"Webhook-Timestamp is {abs(now - seconds)} seconds off, which is more than {TOLERANCE}"
        )
    wanted = _standard(body, event_id, seconds, secret)
    if not any(hmac.compare_digest(one, wanted) for one in headers["webhook-signature"].split()):
        raise BadSignature("no signature in Webhook-Signature is of this id, time, body and secret")


def _devrev(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _standard(body: bytes, event_id: str, seconds: int, secret: str) -> str:
    signed = f"{event_id}.{seconds}.".encode() + body
    digest = hmac.new(base64.b64decode(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"

"""What reads bytes of strangers, fed with what nobody would write: it answers or refuses, and never
breaks. `make fuzz` runs it at length.
"""

import asyncio
import ipaddress
import json
import os
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError
from rapport.contract.table import METHODS
from rapport.folder import CannotStart
from rapport.http.files.multipart import Form
from rapport.store.kit.pieces import rows_of
from rapport.upkeep.backups import manifest
from rapport.webhooks.reach import Reach
from rapport.wire.decode import RequestDecoder
from tests.http.test_multipart import TYPE, WHOLE, body_of

EXAMPLES = int(os.environ.get("RAPPORT_TEST_EXAMPLES", "40"))
fuzz = settings(max_examples=EXAMPLES)
DECODERS = [
    RequestDecoder(method.request, strict=strict)
    for method in METHODS.values()
    for strict in (False, True)
]
# What requests are made of, so that most of them come further than the first byte.
NAMES = sorted({name for method in METHODS.values() for name in method.request.__struct_fields__})
DON = "don:core:dvrv-us-1:devo/ABC:engagement/12"
TEXTS = st.one_of(
    st.text(max_size=40), st.sampled_from([DON, "ENGAGEMENT-1", "2026-01-01T00:00:00Z", "ref:a"])
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), TEXTS), inner, max_size=4),
    ),
    max_leaves=12,
)
REQUESTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)


@st.composite
def mutated(draw: Callable[[Any], Any], whole: bytes) -> bytes:
    """Bytes that are nearly these."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 8)))
        data[start:stop] = draw(st.binary(max_size=8))
    return bytes(data)


def _answers_or_refuses(read: Callable[[], object], *refusals: type[Exception]) -> None:
    try:
        read()
    except refusals:
        return


@fuzz
@given(st.sampled_from(DECODERS), REQUESTS, st.data())
def test_any_body_is_read_or_refused(decoder: Any, request: Any, data: st.DataObject) -> None:
    body = data.draw(mutated(json.dumps(request).encode()))
    _answers_or_refuses(lambda: decoder.from_body(body), ApiError)


@fuzz
@given(st.sampled_from(DECODERS), st.lists(st.tuples(st.sampled_from(NAMES), TEXTS)), st.data())
def test_any_query_is_read_or_refused(decoder: Any, pairs: Any, data: st.DataObject) -> None:
    text = "&".join(f"{name}={value}" for name, value in pairs).encode("utf-8", "surrogatepass")
    _answers_or_refuses(lambda: decoder.from_query(data.draw(mutated(text))), ApiError)


IDS = [
    one
    for one in vars(ids).values()
    if isinstance(one, type) and issubclass(one, ids.Id) and one is not ids.Id
]


@fuzz
@given(st.sampled_from(IDS), st.one_of(TEXTS, mutated(DON.encode())))
def test_any_id_is_read_or_refused(kind: type[ids.Id], text: str | bytes) -> None:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    _answers_or_refuses(lambda: kind.parse(shown), ValueError)


@fuzz
@given(mutated(WHOLE), st.integers(1, 64), mutated(TYPE.encode()))
def test_any_upload_is_read_or_refused(data: bytes, size: int, media_type: bytes) -> None:
    chunks = [data[start : start + size] for start in range(0, len(data), size)]

    async def read() -> None:
        form = Form(body_of(chunks), media_type.decode("latin-1"), 1000)
        await form.read_fields()
        async for _ in form.file():
            pass

    _answers_or_refuses(lambda: asyncio.run(read()), ApiError)


PRIVATE = st.one_of(
    *(
        st.ip_addresses(v=4, network=network)
        for network in ("127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16")
    )
)
SPELLINGS: list[Callable[[ipaddress.IPv4Address], str]] = [
    str,
    lambda address: str(int(address)),
    lambda address: hex(int(address)),
    lambda address: ".".join(f"0{byte:o}" for byte in address.packed),
    lambda address: ".".join(hex(byte) for byte in address.packed),
    lambda address: f"[::ffff:{address}]",
    lambda address: f"[::{address}]",
    lambda address: f"[64:ff9b::{address}]",
    lambda address: f"{address}.",
]


@fuzz
@given(PRIVATE, st.sampled_from(SPELLINGS), st.sampled_from(["http", "https", "HTTPS"]))
def test_no_spelling_of_a_private_address_can_be_reached(
    address: ipaddress.IPv4Address, spell: Callable[[ipaddress.IPv4Address], str], scheme: str
) -> None:
    assert Reach().problem(f"{scheme}://{spell(address)}/hook") is not None


@fuzz
@given(mutated(b'{"a":1,"b":"text"}\n{"a":2,"b":null}\n'))
def test_any_piece_of_a_backup_is_read_or_refused(text: bytes) -> None:
    _answers_or_refuses(lambda: rows_of(text, ["a", "b"]), ValueError)


MANIFEST = msgspec.json.encode(
    manifest.Manifest(
        format="rapport-backup", form=1, created="2026-04-15T02:30:00.000Z", program="1",
        schema=1, engine="sqlite", tables=[], files=[manifest.Kept("ab", 1)], damaged=[], key=None,
    )
)  # fmt: skip


@fuzz
@given(mutated(MANIFEST))
def test_any_manifest_is_read_or_refused(text: bytes) -> None:
    _answers_or_refuses(lambda: manifest.read("20260415", text), CannotStart)


def test_what_is_mutated_is_fine_as_it_is() -> None:
    """Or nothing would come further than its first byte."""
    asyncio.run(_whole_upload())
    assert isinstance(manifest.read("20260415", MANIFEST), manifest.Manifest)
    assert ids.EngagementId.parse(DON).number == 12


async def _whole_upload() -> None:
    form = Form(body_of([WHOLE]), TYPE, 1000)
    await form.read_fields()
    assert b"".join([chunk async for chunk in form.file()])

"""What only time or odd chunks show; the rest stands in tests/api/test_artifacts_upload.py."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.contract.kit.errors import BadRequest
from rapport.http.files import multipart
from rapport.http.files.multipart import Body, Form

TYPE = "multipart/form-data; boundary=b"
CONTENT = b"one\r\n--b\n\r\n--bb two\r\n-"
WHOLE = (
    b'--b\r\nContent-Disposition: form-data; name="k"\r\n\r\nvalue\r\n'
    b'--b\r\ncontent-disposition: form-data; filename="a\\"b"; name="file"\r\nCONTENT-TYPE:  text/css \r\n\r\n'
    + CONTENT
    + b"\r\n--b--\r\n"
)


def body_of(chunks: Sequence[bytes]) -> Body:
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    waiting = iter(messages)

    async def receive() -> Any:
        return next(waiting)

    return Body(receive, awaited=False)


async def read(chunks: Sequence[bytes]) -> tuple[dict[str, str], str, bytes]:
    form = Form(body_of(chunks), TYPE, 1000)
    await form.read_fields()
    return form.fields, form.file_type, b"".join([chunk async for chunk in form.file()])


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_chunks_may_end_anywhere(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(WHOLE)]
    chunks = [WHOLE[start:stop] for start, stop in itertools.pairwise(places)]
    assert asyncio.run(read(chunks)) == ({"k": "value"}, "text/css", CONTENT)


def test_an_upload_that_stalls_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "STALL_SECONDS", 0.05)

    async def receive() -> Any:
        await asyncio.sleep(10)

    with pytest.raises(BadRequest, match="No byte of the upload arrived"):
        asyncio.run(Body(receive, awaited=False).next())


def test_what_waits_to_be_asked_for_is_not_asked_for_when_refused() -> None:
    async def receive() -> Any:
        raise AssertionError("asked for")

    asyncio.run(Body(receive, awaited=True).drain(1))

import pytest

from rapport.blobs.sniff import HEAD, is_active, is_media_type, sniff


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"", "application/octet-stream"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"<!DOCTYPE html>\n<title>", "text/html"),
        (b" \n<HTML>", "text/html"),
        (b"\xef\xbb\xbf<script>", "text/html"),
        (b"<svg xmlns=''>", "image/svg+xml"),
        (b"<?xml version='1.0'?>\n<svg>", "image/svg+xml"),
        (b"<?xml version='1.0'?>\n<feed>", "text/xml"),
        (b"a <b> c", "text/plain"),
        ("Grüße".encode(), "text/plain"),
        (("é" * HEAD).encode()[:HEAD], "text/plain"),
        (("a" + "é" * HEAD).encode()[:HEAD], "text/plain"),
        (b"abc\0", "application/octet-stream"),
        ("Grüße".encode("latin-1"), "application/octet-stream"),
    ],
)
def test_the_first_bytes_tell_the_type(head: bytes, media_type: str) -> None:
    assert sniff(head) == media_type


def test_only_a_media_type_may_stand_in_a_header() -> None:
    for good in (
        "text/html",
        "image/svg+xml",
        "text/plain; charset=utf-8",
        'a/b;c="d e"',
        "application/vnd.a-b.c",
    ):
        assert is_media_type(good), good
    for bad in (
        "",
        "text",
        "text/",
        "/html",
        "a/b/c",
        "text/html\r\nx: y",
        "text/html; ",
        "té/xt",
        "a/b\0",
        'a/b;c="d\r\n"',
        "a b/c",
    ):
        assert not is_media_type(bad), bad


def test_what_a_browser_would_run() -> None:
    for active in (
        "text/html",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/xml",
        "application/rss+xml",
        "text/javascript",
        "application/ecmascript",
        "application/x-sh",
        "text/x-python",
        "TEXT/HTML ; a=b",
        "multipart/related",
    ):
        assert is_active(active), active
    for quiet in (
        "text/plain",
        "image/png",
        "application/pdf",
        "application/zip",
        "video/mp4",
        "text/csv",
        "application/json",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ):
        assert not is_active(quiet), quiet

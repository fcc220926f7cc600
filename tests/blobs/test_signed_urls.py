import stat
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.blobs.signed_urls import (
    DOWNLOAD,
    UPLOAD,
    BadUrl,
    DownloadUrl,
    SignedUrls,
    VersionPlace,
    read_key,
)
from rapport.clock import MILLISECOND, SECOND

NOW = 1_700_000_000_000_000
PLACE = VersionPlace("ORG2345678", 12, 3)
URLS = SignedUrls(b"k" * 32)


def query_of(download: DownloadUrl) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(download.url).query))


def test_a_url_leads_to_its_place_until_it_expires() -> None:
    upload = URLS.upload(PLACE, origin="http://a", now=NOW)
    assert upload.url == f"http://a{UPLOAD}/ORG2345678/12/3"
    assert URLS.check_upload(str(PLACE), upload.fields, NOW + 3600 * SECOND - MILLISECOND) == PLACE
    with pytest.raises(BadUrl, match="expired"):
        URLS.check_upload(str(PLACE), upload.fields, NOW + 3600 * SECOND)
    download = URLS.download(PLACE, origin="http://a", now=NOW)
    assert download.url.startswith(f"http://a{DOWNLOAD}/ORG2345678/12/3?")
    assert download.expires == NOW + 900 * SECOND
    assert (
        URLS.check_download(str(PLACE), query_of(download), download.expires - MILLISECOND) == PLACE
    )
    with pytest.raises(BadUrl, match="expired"):
        URLS.check_download(str(PLACE), query_of(download), download.expires)


def test_the_setting_sets_both_lives_and_a_base_url_precedes_the_origin() -> None:
    urls = SignedUrls(b"k" * 32, base_url="https://crm.example/r", seconds=5)
    assert urls.upload(PLACE, origin="http://a", now=NOW).url.startswith(
        f"https://crm.example/r{UPLOAD}/"
    )
    assert urls.download(PLACE, origin="http://a", now=NOW).expires == NOW + 5 * SECOND
    assert (
        int(urls.upload(PLACE, origin="", now=NOW).fields["expires"])
        == (NOW + 5 * SECOND) // MILLISECOND
    )


def test_another_key_or_purpose_does_not_fit() -> None:
    upload, download = (
        URLS.upload(PLACE, origin="", now=NOW),
        URLS.download(PLACE, origin="", now=NOW),
    )
    with pytest.raises(BadUrl, match="signature"):
        SignedUrls(b"x" * 32).check_upload(str(PLACE), upload.fields, NOW)
    with pytest.raises(BadUrl, match="signature"):
        URLS.check_upload(str(PLACE), {"key": str(PLACE), **query_of(download)}, NOW)
    with pytest.raises(BadUrl, match="signature"):
        URLS.check_download(
            str(PLACE), {name: upload.fields[name] for name in ("expires", "signature")}, NOW
        )


@given(
    st.dictionaries(st.sampled_from(["key", "expires", "signature", "x"]), st.text(max_size=80)),
    st.text(max_size=40),
)
def test_nothing_that_was_not_signed_counts(fields: dict[str, str], path: str) -> None:
    for check in (URLS.check_upload, URLS.check_download):
        with pytest.raises(BadUrl):
            check(path, fields, NOW)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = read_key(path)
    assert len(key) == 32
    assert read_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


def test_a_broken_key_is_refused_rather_than_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="does not hold a key"):
        read_key(path)
    assert path.read_bytes() == b"short"

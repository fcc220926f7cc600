"""The bytes go out: to whoever has the signed URL, for a while, never as something that a
browser runs.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from tests.api.test_artifacts_upload import HOSTILE
from tests.support import fetch
from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite")

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose URLs live three seconds."""
    running = Server(tmp_path_factory.mktemp("brief") / "data", RAPPORT_ARTIFACT_URL_TTL="3")
    yield running
    assert running.stop() == 0


def located(client: Client, artifact: str) -> str:
    return str(client.ok("artifacts.locate", {"id": artifact})["url"])


def refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["type"]) == (403, "forbidden"), answer.text


def test_the_url_lives_fifteen_minutes_and_may_be_used_again(alice: Client) -> None:
    artifact = alice.upload(ALPHABET)
    answer = alice.ok("artifacts.locate", {"id": artifact})
    life = datetime.fromisoformat(answer["expires_at"]) - datetime.now(UTC)
    assert 890 < life.total_seconds() <= 900
    for _ in range(3):
        assert fetch.get(answer["url"]).content == ALPHABET


def test_head_says_what_get_would(alice: Client) -> None:
    url = located(alice, alice.upload(ALPHABET))
    head, got = fetch.head(url), fetch.get(url)
    assert (head.status_code, head.content) == (200, b"")
    ignored = {"date", "x-request-id"}
    assert {name: value for name, value in head.headers.items() if name not in ignored} == {
        name: value for name, value in got.headers.items() if name not in ignored
    }
    assert head.headers["content-length"] == "26"


def test_other_verbs_are_405(alice: Client) -> None:
    url = located(alice, alice.upload())
    for verb in ("POST", "PUT", "DELETE"):
        answer = fetch.request(verb, url)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-4", 0, 5),
        ("bytes=5-5", 5, 6),
        ("bytes=20-", 20, 26),
        ("bytes=20-1000", 20, 26),
        ("bytes=-3", 23, 26),
        ("bytes=-1000", 0, 26),
        ("BYTES = 0-4", 0, 5),
    ],
)
def test_a_range_is_206_with_just_its_bytes(
    alice: Client, asked: str, start: int, stop: int
) -> None:
    answer = alice.download(alice.upload(ALPHABET), range=asked)
    assert (answer.status_code, answer.content) == (206, ALPHABET[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/26"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize(
    "asked", ["bytes=26-", "bytes=26-30", "bytes=-0", "bytes=999999999999999999-"]
)
def test_a_range_behind_the_end_is_416_with_the_size(alice: Client, asked: str) -> None:
    answer = alice.download(alice.upload(ALPHABET), range=asked)
    assert (answer.status_code, answer.headers["content-range"], answer.content) == (
        416,
        "bytes */26",
        b"",
    )


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=-1"])
def test_an_empty_file_has_no_range(alice: Client, asked: str) -> None:
    answer = alice.download(alice.upload(b""), range=asked)
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */0")


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=4-2",
        "bytes=0-1,3-4",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "items=0-4",
        "0-4",
        "x" * 5000,
    ],
)
def test_what_is_no_single_range_is_answered_whole(alice: Client, asked: str) -> None:
    answer = alice.download(alice.upload(ALPHABET), range=asked)
    assert (answer.status_code, answer.content) == (200, ALPHABET)


def test_a_download_goes_on_only_with_the_same_bytes(alice: Client) -> None:
    artifact = alice.upload(ALPHABET)
    etag = alice.download(artifact, "HEAD").headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{64}"', etag)
    assert alice.download(artifact, range="bytes=5-", if_range=etag).status_code == 206
    for other in ('"other"', f"W/{etag}", "Wed, 21 Oct 2065 07:28:00 GMT"):
        answer = alice.download(artifact, range="bytes=5-", if_range=other)
        assert (answer.status_code, answer.content) == (200, ALPHABET)


def test_a_head_has_no_range(alice: Client) -> None:
    assert alice.download(alice.upload(ALPHABET), "HEAD", range="bytes=0-4").status_code == 200


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_saved_as_a_harmless_one(alice: Client, name: str) -> None:
    header = alice.download(alice.upload(b"x", name)).headers["content-disposition"]
    found = re.fullmatch(
        r"attachment; filename=\"([ -~]+)\"; filename\*=UTF-8''([!#$&+.^_`|~A-Za-z0-9%-]+)", header
    )
    assert found, header
    for saved in (found[1], unquote(found[2])):
        assert not re.search(
            r'[/\\:*?"<>|%\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]', saved
        )
        assert not saved.startswith(".")
        assert saved.strip(". ") == saved != ""
        assert saved.partition(".")[0].lower() not in {"con", "nul", "prn", "aux", "com1"}
        assert len(saved.encode()) <= 255


def test_a_harmless_name_is_kept_in_full(alice: Client) -> None:
    header = alice.download(alice.upload(b"x", "Protokoll № 5, März 2026.pdf")).headers[
        "content-disposition"
    ]
    assert unquote(header.partition("UTF-8''")[2]) == "Protokoll № 5, März 2026.pdf"
    assert 'filename="Protokoll No 5, Marz 2026.pdf"' in header


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("\U0001f389.txt", "file.txt"), ("\U0001f469\u200d\U0001f4bb \u2764\ufe0f.pdf", "file.pdf"), ("\u5831\u544a.docx", "file.docx"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.txt", "file.txt"), ("\U0001f389", "file"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f.png", "file.png"), ("a\u200db.txt", "ab.txt"),
        ("\U0001f4ce \u5831 2026.tar.gz", "2026.tar.gz"),
    ],
)  # fmt: skip
def test_a_name_of_any_script_is_kept_and_has_its_extension_in_ascii(
    alice: Client, name: str, plain: str
) -> None:
    header = alice.download(alice.upload(b"x", name)).headers["content-disposition"]
    assert unquote(header.partition("UTF-8''")[2]) == name
    assert f'filename="{plain}"' in header


@pytest.mark.parametrize("name", ["\u200d.htaccess", "\u200c. .bashrc", "x.txt\u200d"])
def test_a_joiner_hides_nothing_at_a_names_ends(alice: Client, name: str) -> None:
    header = alice.download(alice.upload(b"x", name)).headers["content-disposition"]
    saved = unquote(header.partition("UTF-8''")[2])
    assert saved == name.strip(". \u200c\u200d")


def test_who_has_the_bytes_already_is_told_so(alice: Client) -> None:
    artifact = alice.upload(ALPHABET)
    etag = alice.download(artifact).headers["etag"]
    for verb in ("GET", "HEAD"):
        for has in (etag, f"W/{etag}", f'"a,b", {etag}', "*", f"W/{etag}"):
            answer = alice.download(artifact, verb, if_none_match=has, range="bytes=0-4")
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
            assert "content-disposition" not in answer.headers
            assert answer.headers["x-request-id"]
    for other in ('"other"', "other", etag.strip('"'), 'W/"other"'):
        assert alice.download(artifact, if_none_match=other).content == ALPHABET
    # The condition comes before the range, and the range before what it is of.
    part = alice.download(artifact, if_none_match='"other"', range="bytes=5-", if_range=etag)
    assert (part.status_code, part.content) == (206, ALPHABET[5:])


def test_who_wants_only_the_same_bytes_gets_no_others(alice: Client) -> None:
    artifact = alice.upload(ALPHABET)
    etag = alice.download(artifact).headers["etag"]
    for wanted in (etag, "*", f'"other", {etag}'):
        assert alice.download(artifact, if_match=wanted).content == ALPHABET
    for other in ('"other"', f"W/{etag}"):
        answer = alice.download(artifact, if_match=other, range="bytes=5-")
        assert (answer.status_code, answer.content) == (412, b"")


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("text/html", b"<script>alert(1)</script>"),
        ("TEXT/HTML; charset=utf-8", b""),
        ("application/xhtml+xml", b""),
        ("image/svg+xml", b"<svg onload='alert(1)'/>"),
        ("text/xml", b""),
        ("application/atom+xml", b""),
        ("text/javascript", b"alert(1)"),
        ("application/x-sh", b"rm -rf /"),
        ("image/png", b"<!doctype html><script>alert(1)</script>"),
        ("image/png", b"\xef\xbb\xbf <?xml version='1.0'?><svg/>"),
    ],
)
def test_what_a_browser_would_run_is_sandboxed_saved_and_not_guessed_at(
    alice: Client, type_: str, content: bytes
) -> None:
    answer = alice.download(alice.upload(content, "page", file_type=type_))
    assert answer.headers["content-type"] == type_
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    "type_",
    [
        "application/pdf",
        "image/png",
        "text/plain",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ],
)
def test_what_a_browser_only_shows_is_saved_and_not_guessed_at(alice: Client, type_: str) -> None:
    answer = alice.download(alice.upload(b"words", file_type=type_))
    assert answer.headers["content-type"] == type_
    assert "content-security-policy" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    "type_",
    ["text/html\r\nx-evil: 1", "pdf", "a/b/c", "text/\u00e9", "x" * 2000, " ", "text/html;"],
)
def test_a_type_that_is_none_goes_out_as_plain_bytes(alice: Client, type_: str) -> None:
    answer = alice.download(alice.upload(b"x", file_type=type_))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "x-evil" not in answer.headers


def test_a_changed_url_is_403(alice: Client) -> None:
    artifact, other = alice.upload(b"mine"), alice.upload(b"other")
    url, query = located(alice, artifact).split("?")
    parameters = {name: values[0] for name, values in parse_qs(query).items()}
    expires, signature = parameters["expires"], parameters["signature"]
    for changed in (
        "",
        f"expires={expires}",
        f"signature={signature}",
        f"expires={int(expires) + 1}&signature={signature}",
        f"expires={expires}&signature={signature[:-1]}",
        f"expires={expires}&signature={'0' * 64}",
        f"expires={expires}&signature={signature}&version=2",
        f"{query}&expires={expires}",
        f"{query}&{query}",
        f"expires=+{expires}&signature={signature}",
        f"expires={expires}&signature={signature}%00",
        f"expires={expires}&signature=%C3%A9",
        "&".join(f"a{number}=1" for number in range(100)),
    ):
        refused(fetch.get(f"{url}?{changed}"))
    place = urlsplit(url).path.rpartition("/artifacts/download/")[2]
    org, number, version = place.split("/")
    theirs = urlsplit(located(alice, other)).path.split("/")[-2]
    for moved in (
        f"{org}/{theirs}/{version}",
        f"{org}/{number}/2",
        f"{org.lower()}/{number}/{version}",
        f"{org}/0{number}/1",
        "",
        "x",
    ):
        refused(fetch.get(f"{alice.server.url}/artifacts/download/{moved}?{query}"))
    assert fetch.get(f"{url}?{query}").content == b"mine"


@pytest.mark.slow
def test_a_late_url_is_403(brief: Server) -> None:
    client = brief.make_org()
    url = located(client, client.upload())
    answer = fetch.get(url)
    assert answer.status_code == 200
    while answer.status_code == 200:
        answer = fetch.get(url)
    refused(answer)


def test_another_servers_signature_is_403(alice: Client, strict_server: Server) -> None:
    client = strict_server.make_org()
    url = urlsplit(located(client, client.upload()))
    refused(fetch.get(f"{alice.server.url}{url.path}?{url.query}"))


@pytest.mark.slow
def test_the_key_outlives_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server(tmp_path_factory.mktemp("restart") / "data")
    client = server.make_org()
    url = located(client, client.upload(ALPHABET))
    server.restart()
    assert fetch.get(url).content == ALPHABET
    assert server.stop() == 0


def test_without_a_file_there_is_nothing_to_locate(alice: Client) -> None:
    answer = alice.call("artifacts.locate", {"id": alice.prepare()["id"]})
    assert (answer.status, answer.type) == (404, "not_found")
    assert "no file yet" in answer.body["message"]


def test_another_orgs_file_is_not_located(alice: Client, charlie: Client) -> None:
    artifact = alice.upload()
    for id_ in (artifact, "ARTIFACT-1"):
        assert charlie.call("artifacts.locate", {"id": id_}).status == 404


def test_a_client_that_leaves_early_harms_nobody(alice: Client) -> None:
    url = located(alice, alice.upload(b"x" * 20_000_000))
    for _ in range(5):
        with fetch.stream("GET", url) as answer:
            assert answer.headers["content-length"] == "20000000"
    assert alice.server.http.get(url).content == b"x" * 20_000_000
    assert "internal_error" not in alice.server.logged()

"""Mail comes in: who wrote to whom, threads, files; and what is broken is refused alone."""

from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from rapport.transfer.read_mail import Mail
from tests.support.backups import Source
from tests.transfer.test_import import Place, figures


def _message(id_: str, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"] = f"<{id_}@initech.example>"
    message["From"] = "Ada Lovelace <ada@initech.example>"
    message["To"] = "sales@acme.example"
    message["Subject"] = "Ein Gruß"
    message["Date"] = "Fri, 02 Jan 2026 10:00:00 +0200"
    for name, value in headers.items():
        del message[name]
        message[name] = value
    message.set_content("Grüße!")
    return message


def _mailbox(file: Path, *messages: bytes) -> Path:
    file.write_bytes(
        b"".join(b"From x Fri Jan  2 10:00:00 2026\n" + one + b"\n" for one in messages)
    )
    return file


def _read(file: Path, *, many: bool) -> list[Any]:
    return list(Mail([file], many=many).records())


def test_a_mailbox_becomes_engagements_with_threads_and_files(
    source: Source, tmp_path: Path
) -> None:
    place = Place(source, tmp_path)
    first, second = _message("1"), _message("2", References="<1@initech.example>")
    second.add_attachment(b"PDF", maintype="application", subtype="pdf", filename="quote.pdf")
    box = _mailbox(tmp_path / "box", first.as_bytes(), second.as_bytes())
    told = place.take(box, "mbox", "--create-people")
    assert (figures(told), told["made"]) == ((2, 0, 0, 0), {"artifacts": 1, "rev_users": 2})
    found = {one["external_ref"]: one for one in place.engagements()}
    reply = found["2@initech.example"]
    assert reply["custom_fields"]["thread"] == "1@initech.example"
    assert reply["description"] == "Grüße!"
    assert reply["scheduled_date"] == "2026-01-02T08:00:00.000Z"
    assert place.client.download(reply["artifacts"][0]).content == b"PDF"
    ada = place.client.ok("rev-users.list", {"email": ["ada@initech.example"]})["rev_users"][0]
    assert ada["display_name"] == "Ada Lovelace"
    assert figures(place.take(box, "mbox", "--create-people")) == (0, 0, 2, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00garbage",
        b"Subject: x\nDate: yesterday\n\nhello",
        b"Subject: =?nothing?Q?x?=\nContent-Type: multipart/mixed\n\n--x\n",
    ],
    ids=["no message", "no date", "no border"],
)
def test_a_broken_message_is_refused_alone(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.eml").write_bytes(data)
    (record,) = _read(tmp_path / "x.eml", many=False)
    assert "no Date" in record.problem


def test_an_unknown_charset_is_read_as_well_as_can_be(tmp_path: Path) -> None:
    data = b"Date: Fri, 02 Jan 2026 10:00:00 +0000\nContent-Type: text/plain; charset=x-mars\n\nhi"
    (tmp_path / "x.eml").write_bytes(data)
    (record,) = _read(tmp_path / "x.eml", many=False)
    assert (record.problem, record.fields["description"]) == ("", "hi")


def test_of_html_the_text_is_kept(tmp_path: Path) -> None:
    message = _message("1")
    message.set_content("<style>p {}</style><p>Tom &amp; Ada</p>", subtype="html")
    (tmp_path / "x.eml").write_bytes(message.as_bytes())
    (record,) = _read(tmp_path / "x.eml", many=False)
    assert record.fields["description"] == "Tom & Ada"

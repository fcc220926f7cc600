"""Host names, as domains and in URLs."""

import re
import unicodedata

from rapport.contract.kit.seen import UNSEEN

_LONGEST = 253
_LONGEST_LABEL = 63
_ASCII_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_UNSEEN = re.compile(f"[{UNSEEN}]")
# What labels of other scripts are written with: letters, marks and digits.
_LETTERS = frozenset({"L", "M", "N"})


def host_name(text: str) -> str:
    """A host name in lower case.

    Raises:
        ValueError: it is none: an empty label, one of over 63 octets, an address, or characters
            that no name has.
    """
    name = text.lower()
    labels = name.split(".")
    if len(_in_octets(name)) > _LONGEST or labels[-1].isdigit() or not all(map(_is_label, labels)):
        raise ValueError(text)
    return name


def refuse_labels(host: str) -> None:
    """Refuse a URL's host with an empty label, one of over 63 octets, or what can't be seen.

    Raises:
        ValueError: it has.
    """
    if _UNSEEN.search(host) or not all(
        label and len(_in_octets(label)) <= _LONGEST_LABEL for label in host.split(".")
    ):
        raise ValueError(host)


def _is_label(label: str) -> bool:
    if not label or len(_in_octets(label)) > _LONGEST_LABEL:
        return False
    if label.isascii():
        return _ASCII_LABEL.fullmatch(label) is not None
    letters = all(one == "-" or unicodedata.category(one)[0] in _LETTERS for one in label)
    # What a browser turns into another name, such as full-width letters, only looks like it.
    return letters and unicodedata.normalize("NFKC", label) == label and not label.startswith("-")


def _in_octets(name: str) -> str:
    """A name as the domain name system holds it, where labels of other scripts are in Punycode."""
    return ".".join(
        one if one.isascii() else f"xn--{one.encode('punycode').decode()}"
        for one in name.split(".")
    )

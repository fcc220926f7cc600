"""What is indexed of each kind of object: its own texts, and the names of what it refers to.

Comments are indexed under the objects that they are on, in a space of their own, since not
everybody may read each: what is found there is read again before it is answered. To index another
kind is to give it a `Source`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.contract.kit import ids
from rapport.store import accounts, engagements, meetings, rev_orgs, tags, users, works
from rapport.store.kit.db import NO_DATE, Bulk, Row, Tx
from rapport.store.kit.filters import Filter
from rapport.store.kit.words import words

# What marks begin with: letters for private use, which no word has.
TAGGED, AUTHOR, TYPE = "\ue002", "\ue003", "\ue004"
# Before words of names, and of what an object is known by: these are indexed so too.
TITLE, KEY = "\ue006", "\ue007"
# What every entry has.
ANY = "\ue001"
# What a kind's number in the index is raised by where it is comments' on objects of the kind.
SAID = 16
_decode = msgspec.json.decode


class Source(NamedTuple):
    """How objects of a kind are indexed and found.

    Args:
        kind: which objects.
        code: its number in the index.
        columns: two of its name, two that it is known by, its type or parent; each SQL.
        table: where they are, as `x`.
        live: which of them are there.
        own: SQL that holds for the row with the number `k.number`.
        listed: an org's objects, as its family lists them.
        date: SQL of the date that `after:` and `before:` go by, in the listing.
        is_linked: it is found by the names of what it refers to.
        has_comments: it is found by its comments.
    """

    kind: ids.Kind
    code: int
    columns: tuple[str, str, str, str, str]
    table: str
    live: str
    own: str
    listed: Callable[[str], Filter[Any]]
    date: str
    is_linked: bool = False
    has_comments: bool = False


_BY_NUMBER = "x.number = k.number"


def _of_users(kind: ids.Kind, code: int) -> Source:
    return Source(
        kind,
        code,
        ("x.display_name", "x.full_name", "x.email", "x.external_ref", "NULL"),
        "users x",
        f"x.kind = '{kind.name}' AND x.state <> 'deleted'",
        f"x.display_id = '{kind.display_id('')}' || k.number",
        lambda org: users.of_kind(org, kind.name),
        "u.created_date",
    )


SOURCES = {
    source.kind: source
    for source in (
        Source(
            ids.ACCOUNT, 1, ("x.display_name", "NULL", "NULL", "NULL", "NULL"), "accounts x",
            "true", _BY_NUMBER, accounts.of_org, "a.created_date", has_comments=True,
        ),
        Source(
            ids.OPPORTUNITY, 2,
            ("x.title", "NULL", "x.external_ref", "NULL", "NULL"),
            "opportunities x", "true", _BY_NUMBER, works.of_org, "o.created_date",
            has_comments=True,
        ),
        _of_users(ids.DEV_USER, 3),
        _of_users(ids.REV_USER, 4),
        _of_users(ids.SERVICE_ACCOUNT, 5),
        _of_users(ids.SYS_USER, 6),
        Source(
            ids.TAG, 7, ("x.name", "NULL", "NULL", "NULL", "NULL"), "tags x", "true", _BY_NUMBER,
            tags.of_org, "t.created_date",
        ),
        Source(
            ids.REV_ORG, 8,
            ("x.display_name", "NULL", "x.external_ref", "NULL", "NULL"),
            "rev_orgs x", "true", _BY_NUMBER, rev_orgs.of_org, "v.created_date",
        ),
        Source(
            ids.ENGAGEMENT, 9, ("x.title", "NULL", "x.external_ref", "NULL", "x.engagement_type"),
            "engagements x", "x.deleted_date IS NULL", _BY_NUMBER, engagements.live,
            f"CASE WHEN e.scheduled_date > {NO_DATE} THEN e.scheduled_date "
            "ELSE e.created_date END",
            is_linked=True, has_comments=True,
        ),
        Source(
            ids.MEETING, 11, ("x.title", "NULL", "x.external_ref", "NULL", "x.parent"),
            "meetings x", "x.deleted_date IS NULL", _BY_NUMBER, meetings.live,
            f"CASE WHEN m.scheduled_date > {NO_DATE} THEN m.scheduled_date "
            "ELSE m.created_date END",
            is_linked=True, has_comments=True,
        ),
    )
}  # fmt: skip
BY_CODE = {source.code: source for source in SOURCES.values()}


# Whose names are indexed with what refers to them, and by which filter of those that is found.
NAMED = {
    **dict.fromkeys(ids.USERS, "members"),
    ids.ACCOUNT: "parent",
    ids.OPPORTUNITY: "parent",
    ids.TAG: "tags",
}
# What refers to them.
LINKED = (ids.ENGAGEMENT, ids.MEETING)


class Key(NamedTuple):
    """Whose words. `kind` is the number of a source, raised by `SAID` for comments on it."""

    org: str
    kind: int
    number: int


def key_of(org: str, display_id: str) -> Key:
    """The key of an object that is indexed."""
    return Key(org, SOURCES[ids.kind_of(display_id)].code, ids.number_of(display_id))


def display_id_of(key: Key) -> str:
    """The display id of what a key is of, or of what its comments are on."""
    return BY_CODE[key.kind % SAID].kind.display_id(key.number)


# Texts


class Texts(NamedTuple):
    """An object's texts: its names, what it is known by, the others, the names of what it refers
    to; its marks; and the display ids of what it refers to.
    """

    key: Key
    modified_date: int
    title: list[str]
    keys: list[str]
    body: list[str]
    names: list[str]
    marks: list[str]
    linked: list[str]

    def words(self) -> set[str]:
        """As the index has them."""
        title, keys = _words(self.title), _words(self.keys)
        found = {ANY, *title, *keys, *_words(self.body), *_words(self.names), *self.marks}
        found.update(TITLE + word for word in title)
        found.update(KEY + word for word in keys)
        return found


def _words(some: Iterable[str]) -> list[str]:
    return [word for text in some for word in words(text)]


# Fields of documents whose texts are indexed, whatever they are nested in.
_KEYS = ("domain", "domains", "external_refs", "external_url", "phone_numbers", "websites")
_BODY = ("body", "custom_fields", "description", "tag_values")
_COLUMNS = "x.org, x.number, x.created_by, x.modified_date, {}, x.document"


async def texts(
    tx: Tx | Bulk, source: Source, numbers: Sequence[tuple[str, int]], *, live: str = ""
) -> list[Texts]:
    """The texts of objects, given by org and number.

    Args:
        tx: to read in.
        source: of which kind.
        numbers: (org, number); those that are not there are left out.
        live: SQL of those that are meant, where they are others than the source's.
    """
    rows = await tx.all(
        f"""
        SELECT {_COLUMNS.format(", ".join(source.columns))}
        FROM rows(:wanted, org text, number bigint) k
        CROSS JOIN {source.table} WHERE x.org = k.org AND {source.own} AND {live or source.live}
        """,  # noqa: S608  # literals
        wanted=numbers,
    )
    return await of_rows(tx, source, rows)


async def after(tx: Tx | Bulk, source: Source, place: tuple[str, int], most: int) -> list[Row]:
    """Rows for `of_rows` of the next objects behind an org and number."""
    return await tx.all(
        f"""
        SELECT {_COLUMNS.format(", ".join(source.columns))} FROM {source.table}
        WHERE (x.org, x.number) > (:at_org, :at) AND {source.live}
        ORDER BY x.org, x.number LIMIT :most
        """,  # noqa: S608  # literals
        at_org=place[0],
        at=place[1],
        most=most,
    )


async def of_rows(tx: Tx | Bulk, source: Source, rows: Sequence[Row]) -> list[Texts]:
    """The texts of objects that were read."""
    read = [(row, _decode(row[-1])) for row in rows]
    files = {(row[0], file) for row, document in read for file in _files(document)}
    linked = {
        (row[0], one)
        for row, document in read
        if source.is_linked
        for one in _linked(source, row, document)
    }
    names = {**await _file_names(tx, files), **await _names(tx, linked)}
    return [_of_object(source, row, document, names) for row, document in read]


def _files(document: Any) -> list[int]:
    return [ids.number_of(ids.short(one)) for one in document.get("artifacts") or ()]


# Of files by org and number, of others by org and display id.
_Names = dict[tuple[str, int | str], list[str]]


async def _file_names(tx: Tx | Bulk, files: Collection[tuple[str, int]]) -> _Names:
    if not files:
        return {}
    rows = await tx.all(
        """
        SELECT f.org, f.number, f.file_name FROM rows(:wanted, org text, number bigint) k
        CROSS JOIN artifacts f WHERE f.org = k.org AND f.number = k.number
        """,
        wanted=sorted(files),
    )
    return {(org, number): [name] for org, number, name in rows}


def _linked(source: Source, row: Row, document: Any) -> list[str]:
    """The display ids of what an object refers to."""
    found = [
        ids.short(one) for name in ("members", "parents", "tags") for one in _ids(document, name)
    ]
    if source.kind is ids.MEETING and row[-2]:
        found.append(row[-2])
    return [one for one in dict.fromkeys(found) if ids.kind_of(one) in NAMED]


def _ids(document: Any, name: str) -> Iterator[str]:
    for one in document.get(name) or ():
        id_ = one[0] if isinstance(one, list) else one
        if isinstance(id_, str):
            yield id_


async def _names(tx: Tx | Bulk, linked: Iterable[tuple[str, str]]) -> _Names:
    """The names of objects, by org and display id."""
    by_kind: dict[ids.Kind, list[tuple[str, int]]] = {}
    for org, display_id in sorted(linked):
        by_kind.setdefault(ids.kind_of(display_id), []).append((org, ids.number_of(display_id)))
    found: _Names = {}
    for kind, numbers in by_kind.items():
        source = SOURCES[kind]
        rows = await tx.all(
            f"""
            SELECT k.org, k.number, {source.columns[0]}, {source.columns[1]}
            FROM rows(:wanted, org text, number bigint) k
            CROSS JOIN {source.table} WHERE x.org = k.org AND {source.own} AND {source.live}
            """,  # noqa: S608  # literals
            wanted=numbers,
        )
        for org, number, *some in rows:
            found[org, kind.display_id(number)] = list(dict.fromkeys(one for one in some if one))
    return found


def _of_object(source: Source, row: Row, document: Any, names: _Names) -> Texts:
    org, number, created_by, modified_date, *columns, _ = row
    title, second, key, other, column = columns
    values = [pair[1] for pair in document.get("tags") or () if isinstance(pair, list)]
    files = [name for one in _files(document) for name in names.get((org, one), ())]
    linked = _linked(source, row, document) if source.is_linked else []
    return Texts(
        Key(org, source.code, number),
        modified_date,
        list(dict.fromkeys(text for text in (title, second) if text)),
        [text for text in (key, other) if text] + list(_all_texts(document, _KEYS)),
        [*_all_texts(document, _BODY), *(value for value in values if value), *files],
        [name for one in linked for name in names.get((org, one), ())],
        list(dict.fromkeys(_marks(source, created_by, column, document))),
        linked,
    )


def _marks(source: Source, created_by: str, column: str | None, document: Any) -> Iterator[str]:
    yield AUTHOR + ids.short(created_by)
    if source.kind is ids.ENGAGEMENT and column:
        yield TYPE + column
    for one in _ids(document, "tags"):
        yield TAGGED + ids.short(one)


def _all_texts(document: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name in document:
            yield from _leaves(document[name])


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)


# Comments


class Comment(NamedTuple):
    """A comment on an object, which is named by its display id."""

    org: str
    object: str
    number: int
    created_by: str
    created_date: int
    visibility: str
    external_ref: str | None
    document: Any
    files: list[str]

    def texts(self) -> list[str]:
        """What it is found by."""
        known = [self.external_ref] if self.external_ref else []
        return [*known, *_all_texts(self.document, (*_KEYS, *_BODY)), *self.files]

    @property
    def body(self) -> str:
        """Its text."""
        return self.document.get("body") or ""


async def comments(tx: Tx | Bulk, objects: Sequence[tuple[str, str]]) -> list[Comment]:
    """The comments on objects, given by org and display id; the newest first."""
    rows = await tx.all(
        """
        SELECT c.org, c.object, c.number, c.created_by, c.created_date, c.visibility,
        c.external_ref, c.document
        FROM rows(:objects, org text, object text) r CROSS JOIN comments c
        WHERE c.org = r.org AND c.object = r.object ORDER BY c.number DESC
        """,
        objects=objects,
    )
    found = [Comment._make((*row, _decode(document), [])) for *row, document in rows]
    files = {(one.org, file) for one in found for file in _files(one.document)}
    names = await _file_names(tx, files)
    for one in found:
        for file in _files(one.document):
            one.files.extend(names.get((one.org, file), ()))
    return found


async def entries(tx: Tx | Bulk, keys: Sequence[Key]) -> dict[Key, set[str]]:
    """What the index has to have of objects and of comments on them, of those that are there."""
    found: dict[Key, set[str]] = {}
    by_kind: dict[int, list[Key]] = {}
    for key in keys:
        by_kind.setdefault(key.kind, []).append(key)
    for kind, some in by_kind.items():
        if kind < SAID:
            numbers = [(key.org, key.number) for key in some]
            found |= {one.key: one.words() for one in await texts(tx, BY_CODE[kind], numbers)}
            continue
        said = {(key.org, display_id_of(key)): key for key in some}
        for comment in await comments(tx, [*said]):
            key = said[comment.org, comment.object]
            found.setdefault(key, {ANY}).update(_words(comment.texts()))
    return found

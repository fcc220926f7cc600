"""What every object's answer begins with."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from rapport.clock import format_rfc3339
from rapport.contract.kit import ids
from rapport.contract.kit.fields import UNSET
from rapport.contract.tags import TagSummary, TagWithValue
from rapport.contract.users import ArtifactSummary, UserSummary
from rapport.store import summaries
from rapport.store.kit.db import Tx
from rapport.store.summaries import UserKey


class AtomRow(Protocol):
    """The columns that every object's row has."""

    @property
    def org(self) -> str: ...  # noqa: D102  # columns, named as in the migrations
    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def created_by(self) -> str: ...  # noqa: D102
    @property
    def created_date(self) -> int: ...  # noqa: D102
    @property
    def modified_by(self) -> str: ...  # noqa: D102
    @property
    def modified_date(self) -> int: ...  # noqa: D102


def atom(kind: ids.Kind, row: AtomRow, people: Mapping[UserKey, UserSummary]) -> dict[str, Any]:
    """The fields of `contract.users.Atom`."""
    return {
        "created_by": people.get((row.org, row.created_by), UNSET),
        "created_date": format_rfc3339(row.created_date),
        "display_id": kind.display_id(row.number),
        "id": ids.don(kind, row.org, row.number),
        "modified_by": people.get((row.org, row.modified_by), UNSET),
        "modified_date": format_rfc3339(row.modified_date),
    }


async def authors(
    tx: Tx, rows: Iterable[AtomRow], others: Iterable[UserKey] = ()
) -> dict[UserKey, UserSummary]:
    """The summaries of all who made or changed these rows, and of `others`."""
    keys = {(row.org, user) for row in rows for user in (row.created_by, row.modified_by)}
    return await summaries.users(tx, keys | set(others))


def tags_with_values(
    tags: Mapping[str, TagSummary], chosen: Iterable[tuple[str, str | None]]
) -> list[TagWithValue]:
    """An object's tags as they are answered; those that are gone are left out."""
    return [
        TagWithValue(tag=tags[tag], value=UNSET if value is None else value)
        for tag, value in chosen
        if tag in tags
    ]


def artifact_summaries(
    found: Mapping[str, ArtifactSummary], chosen: Iterable[str]
) -> list[ArtifactSummary]:
    """An object's artifacts as they are answered; those that are gone are left out."""
    return [found[artifact] for artifact in chosen if artifact in found]


async def find_artifacts(
    tx: Tx, org: str, chosen: Iterable[Sequence[str]]
) -> dict[str, ArtifactSummary]:
    """The summaries of the artifacts of several objects, by display id."""
    numbers = {ids.number_of(artifact) for artifacts in chosen for artifact in artifacts}
    return await summaries.artifacts(tx, org, numbers) if numbers else {}

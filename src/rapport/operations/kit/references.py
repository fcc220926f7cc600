"""Checking what a request refers to: all references of a call at once, in the contract's field
order.
"""

from collections.abc import Iterable, Mapping, Sequence

from rapport.contract.kit import ids as contract_ids
from rapport.contract.kit.errors import (
    ApiError,
    ArtifactAlreadyAttachedToAParent,
    ValueNotPermitted,
)
from rapport.contract.kit.fields import SetTagWithValue, UnsetType
from rapport.contract.kit.ids import ArtifactId, Id
from rapport.operations.kit.refusals import quoted, unknown_id
from rapport.store.kit.references import Found, ReferenceKey


class References:
    """The references of one org's call, looked up, and the problems found with them."""

    def __init__(self, org: str, found: Mapping[ReferenceKey, Found]) -> None:
        self._org = org
        self._found = found
        self.problems: list[ApiError] = []

    def find(self, id_: Id) -> Found | None:
        """What an id leads to, or None when that is nothing that the caller may see."""
        return self._found.get((self._org, id_.display_id)) if id_.belongs_to(self._org) else None

    def one(self, field_name: str, id_: Id | UnsetType | None) -> str | None:
        """The display id of a single reference."""
        if id_ is None or isinstance(id_, UnsetType):
            return None
        if self.find(id_) is None:
            self.problems.append(unknown_id(field_name, id_))
        return id_.display_id

    def many(self, field_name: str, ids: Sequence[Id] | UnsetType) -> list[str]:
        """The display ids of an array of references, each once and at its first place."""
        if isinstance(ids, UnsetType):
            return []
        for position, id_ in enumerate(ids):
            if self.find(id_) is None:
                self.problems.append(unknown_id(f"{field_name}[{position}]", id_))
        return list(dict.fromkeys(id_.display_id for id_ in ids))

    def tags(
        self, field_name: str, tags: Sequence[SetTagWithValue] | UnsetType
    ) -> list[tuple[str, str | None]]:
        """The display ids of tags with their values, each tag once and at its first place."""
        if isinstance(tags, UnsetType):
            return []
        chosen: dict[str, str | None] = {}
        for position, tag in enumerate(tags):
            found = self.find(tag.id)
            path = f"{field_name}[{position}]"
            if found is None:
                self.problems.append(unknown_id(f"{path}.id", tag.id))
            elif not isinstance(tag.value, UnsetType) and tag.value not in (
                found.allowed_values or []
            ):
                self.problems.append(
                    _value_not_allowed(
                        f"{path}.value", tag.id, tag.value, found.allowed_values or []
                    )
                )
            chosen.setdefault(
                tag.id.display_id, None if isinstance(tag.value, UnsetType) else tag.value
            )
        return list(chosen.items())

    def artifacts(
        self, field_name: str, artifacts: Sequence[ArtifactId] | UnsetType, *, holder: str | None
    ) -> list[str]:
        """The display ids of artifacts that were uploaded and belong to nothing but `holder`, a
        display id.
        """
        if isinstance(artifacts, UnsetType):
            return []
        for position, artifact in enumerate(artifacts):
            self._attachable(f"{field_name}[{position}]", artifact, holder)
        return list(dict.fromkeys(artifact.display_id for artifact in artifacts))

    def artifact(
        self, field_name: str, artifact: ArtifactId | UnsetType | None, *, holder: str | None
    ) -> str | None:
        """The display id of one artifact, as `artifacts` gives those of several."""
        if artifact is None or isinstance(artifact, UnsetType):
            return None
        self._attachable(field_name, artifact, holder)
        return artifact.display_id

    def _attachable(self, path: str, artifact: ArtifactId, holder: str | None) -> None:
        found = self.find(artifact)
        if found is not None and found.parent is not None and found.parent != holder:
            self.problems.append(_held(path, artifact, found.parent, self._org))
        elif found is None or found.parent is None:
            self._uploaded(path, artifact)

    def picture(self, field_name: str, artifact: ArtifactId | UnsetType | None) -> int | None:
        """The number of an uploaded artifact that shows a user; it may belong to something else."""
        if artifact is None or isinstance(artifact, UnsetType):
            return None
        self._uploaded(field_name, artifact)
        return artifact.number

    def _uploaded(self, path: str, artifact: ArtifactId) -> None:
        found = self.find(artifact)
        if found is None:
            self.problems.append(unknown_id(path, artifact))
        elif not found.is_uploaded:
            self.problems.append(
                ValueNotPermitted(
                    f"{path}: {artifact.display_id} was prepared but never uploaded.",
                    detail="Upload the file to the URL that artifacts.prepare answered, then "
                    "attach it.",
                    field_name=path,
                    reason="must be an uploaded artifact",
                )
            )


def wanted(org: str, ids: Iterable[Id]) -> set[ReferenceKey]:
    """The keys to look up; another org's ids are not looked up at all."""
    return {(org, id_.display_id) for id_ in ids if id_.belongs_to(org)}


def _held(
    path: str, artifact: ArtifactId, parent: str, org: str
) -> ArtifactAlreadyAttachedToAParent:
    return ArtifactAlreadyAttachedToAParent(
        f"{path}: {artifact.display_id} is already attached to {parent}.",
        detail="An artifact has one parent for ever; upload the file again for another one.",
        existing_parent=contract_ids.don_of(parent, org),
        is_same=False,
    )


def _value_not_allowed(
    field_name: str, tag: Id, value: str, allowed: list[str]
) -> ValueNotPermitted:
    return ValueNotPermitted(
        f"{field_name}: {quoted(value)} is not an allowed value of {tag.display_id}.",
        detail="Use one of allowed_values, or leave the value out.",
        field_name=field_name,
        reason="must be one of the tag's allowed values",
        allowed_values=allowed,
    )

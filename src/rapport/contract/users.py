"""Users as they stand inside other objects. The families are dev_users and rev_users; the rest
come with their issue.
"""

from typing import Literal

from rapport.contract.kit.fields import UNSET, Response, UnsetType

UserState = Literal["active", "deactivated", "deleted", "locked", "shadow", "unassigned"]


class ArtifactFile(Response):
    """An artifact's bytes, described; `size` is in bytes."""

    type: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    size: int | UnsetType = UNSET


class ArtifactSummary(Response):
    """An artifact inside another object."""

    display_id: str
    id: str
    file: ArtifactFile | UnsetType = UNSET


class _UserSummaryBase(Response):
    display_id: str
    id: str
    display_name: str | UnsetType = UNSET
    display_picture: ArtifactSummary | UnsetType = UNSET
    email: str | UnsetType = UNSET
    full_name: str | UnsetType = UNSET
    state: UserState | UnsetType = UNSET


class AccountSummary(Response, tag_field="type", tag="account"):
    """An account inside another object."""

    display_id: str
    id: str
    display_name: str | UnsetType = UNSET


class DevUserSummary(_UserSummaryBase, tag_field="type", tag="dev_user"):
    """A dev user inside another object."""


class RevOrgSummary(Response, tag_field="type", tag="rev_org"):
    """A rev org inside another object."""

    display_id: str
    id: str
    display_name: str | UnsetType = UNSET


class RevUserSummary(_UserSummaryBase, tag_field="type", tag="rev_user"):
    """A rev user inside another object."""

    external_ref: str | UnsetType = UNSET
    rev_org: RevOrgSummary | UnsetType = UNSET


class ServiceAccountSummary(_UserSummaryBase, tag_field="type", tag="service_account"):
    """A service account inside another object."""


class SysUserSummary(_UserSummaryBase, tag_field="type", tag="sys_user"):
    """A sys user inside another object: the system itself."""


UserSummary = DevUserSummary | RevUserSummary | ServiceAccountSummary | SysUserSummary


class Atom(Response):
    """What every object has."""

    created_by: UserSummary | UnsetType = UNSET
    created_date: str
    display_id: str
    id: str
    modified_by: UserSummary | UnsetType = UNSET
    modified_date: str


class User(Atom):
    """What every user object has."""

    display_name: str | UnsetType = UNSET
    display_picture: ArtifactSummary | UnsetType = UNSET
    email: str | UnsetType = UNSET
    full_name: str | UnsetType = UNSET
    phone_numbers: list[str] | UnsetType = UNSET
    state: UserState | UnsetType = UNSET

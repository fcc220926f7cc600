"""Users as they stand inside other objects, and what is done to them whatever their family is."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.fields import UNSET, Request, Response, UnsetType
from rapport.contract.kit.ids import PersonId
from rapport.contract.kit.method import WRITE, Method
from rapport.contract.kit.seen import VISIBLE

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


# How many texts that mention a person one answer names.
MOST_MENTIONS = 1_000


class UsersEraseRequest(Request):
    """Whom to erase, and why."""

    id: PersonId
    reason: Annotated[
        Annotated[str, Meta(min_length=1, max_length=2_048, pattern=VISIBLE)],
        Meta(description="Who asked for it and why; it stands in the event."),
    ]
    dry_run: Annotated[
        bool | UnsetType, Meta(description="Answer what would be done, and do nothing.")
    ] = UNSET


class Changed(Response):
    """Objects of one type that are changed, or whose history is."""

    type: str
    ids: list[str]


class Mention(Response):
    """A text that mentions a person, which stays for somebody to look at."""

    type: str
    id: str
    field_name: str


class UsersEraseResponse(Response):
    """The person as others see them from now on, and where they stood."""

    user: DevUserSummary | RevUserSummary
    changed: list[Changed]
    mentions: Annotated[
        list[Mention],
        Meta(description="The first 1,000 texts with the person's name, address or number."),
    ]


ERASE = Method(
    "users.erase",
    WRITE,
    UsersEraseRequest,
    UsersEraseResponse,
    "Erase a person",
    "user:all",
    errors=(NotFound,),
    ours=True,
    example={"id": "REVU-1", "reason": "Asked for by mail on 3 May.", "dry_run": True},
)

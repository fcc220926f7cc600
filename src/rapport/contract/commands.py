"""What an operator's commands take: the same types as the API's own requests."""

from typing import Annotated

from msgspec import Meta

from rapport.contract.auth_tokens import Hint, Scopes
from rapport.contract.dev_users import Role
from rapport.contract.kit.fields import UNSET, Email, Name, Request, Short, UnsetType


class Init(Request):
    """The first org and its admin."""

    org: Name
    email: Email


class OrgsCreate(Request):
    """Another org and its admin."""

    name: Name
    email: Email


class OrgsRename(Request):
    """An org, and its name from now on."""

    org: Short
    name: Name


class OrgsDelete(Request):
    """An org, and what it is called, where somebody was asked."""

    org: Short
    name: Short | UnsetType = UNSET


class OrgsList(Request):
    """Nothing: every org is listed."""


class _InOrg(Request):
    """Which org, where there are several."""

    org: Short | UnsetType = UNSET


class UsersList(_InOrg):
    """Whose dev users."""


class UsersCreate(_InOrg):
    """A new dev user."""

    email: Email
    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET


class UsersRole(_InOrg):
    """A dev user, and their role from now on."""

    user: Short
    role: Role


class UsersState(_InOrg):
    """Whom to keep out, or to let in."""

    user: Short


class UsersEmail(_InOrg):
    """A dev user, and their email from now on."""

    user: Short
    email: Email


class TokensCreate(_InOrg):
    """A new token."""

    user: Short
    name: Hint | UnsetType = UNSET
    scope: Scopes | UnsetType = UNSET
    days: Annotated[int, Meta(ge=0, le=36_500)] | UnsetType = UNSET


class TokensList(_InOrg):
    """Whose tokens."""

    user: Short | UnsetType = UNSET


class TokensRevoke(_InOrg):
    """Which token."""

    token: Short


class Login(_InOrg):
    """Whose link into the console; without a user the org's oldest admin's."""

    user: Short | UnsetType = UNSET


class Call(_InOrg):
    """A method, and its request as JSON."""

    method: Short
    body: Annotated[str, Meta(max_length=4 * 1024 * 1024)]
    user: Short | UnsetType = UNSET

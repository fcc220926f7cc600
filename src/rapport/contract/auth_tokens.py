"""The auth-tokens family: what dev users and service accounts sign in with."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.fields import (
    OURS,
    UNSET,
    VISIBLE,
    Instant,
    Request,
    Response,
    Short,
    Shorts,
    Text,
    UnsetType,
)
from rapport.contract.kit.ids import AuthTokenId, TokenHolderId, UserId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.users import Atom

PERSONAL: Literal["urn:devrev:params:oauth:token-type:pat"] = (
    "urn:devrev:params:oauth:token-type:pat"
)
PERSONAL_ACT_AS: Literal["urn:devrev:params:oauth:token-type:pat:act-as"] = (
    "urn:devrev:params:oauth:token-type:pat:act-as"
)
APPLICATION: Literal["urn:devrev:params:oauth:token-type:aat"] = (
    "urn:devrev:params:oauth:token-type:aat"
)
APPLICATION_ACT_AS: Literal["urn:devrev:params:oauth:token-type:aat:act-as"] = (
    "urn:devrev:params:oauth:token-type:aat:act-as"
)
ISSUE: Literal["urn:devrev:params:oauth:grant-type:token-issue"] = (
    "urn:devrev:params:oauth:grant-type:token-issue"
)

GrantType = Literal[
    "urn:devrev:params:oauth:grant-type:token-issue", "urn:ietf:params:oauth:grant-type:token-exchange"
]  # fmt: skip
TokenType = Literal[
    "urn:devrev:params:oauth:token-type:aat",
    "urn:devrev:params:oauth:token-type:aat:act-as",
    "urn:devrev:params:oauth:token-type:aat:public",
    "urn:devrev:params:oauth:token-type:dev",
    "urn:devrev:params:oauth:token-type:dev:connect",
    "urn:devrev:params:oauth:token-type:gat",
    "urn:devrev:params:oauth:token-type:pat",
    "urn:devrev:params:oauth:token-type:pat:act-as",
    "urn:devrev:params:oauth:token-type:rat",
    "urn:devrev:params:oauth:token-type:rev",
    "urn:devrev:params:oauth:token-type:session",
    "urn:devrev:params:oauth:token-type:session:dev",
    "urn:devrev:params:oauth:token-type:session:dev0",
    "urn:devrev:params:oauth:token-type:session:onetime",
    "urn:devrev:params:oauth:token-type:session:rev",
    "urn:devrev:params:oauth:token-type:session:rev:act-as",
    "urn:devrev:params:oauth:token-type:super",
    "urn:devrev:params:oauth:token-type:sys",
    "urn:ietf:params:oauth:token-type:jwt",
]
SubjectTokenType = Literal[
    "urn:devrev:params:oauth:token-type:jwt:auth0",
    "urn:devrev:params:oauth:token-type:jwt:dev",
    "urn:devrev:params:oauth:token-type:rat",
    "urn:devrev:params:oauth:token-type:rev",
    "urn:devrev:params:oauth:token-type:revinfo",
    "urn:devrev:params:oauth:token-type:session",
    "urn:devrev:params:oauth:token-type:sysu",
    "urn:devrev:params:oauth:token-type:userinfo",
    "urn:ietf:params:oauth:token-type:jwt",
]
TokenStatus = Literal["active", "expired", "revoked"]
Days = Annotated[
    int, Meta(ge=0, le=1825, description="How many days it lives; 1825 where no life is stated.")
]
Minutes = Annotated[int, Meta(ge=0, le=1440, description="How many minutes it lives.")]
Hint = Annotated[str, Meta(max_length=256, description="What the token is for.")]
Scopes = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2_048,
        pattern=VISIBLE,
        description="Such as `engagement:read tag:write`, or `read`, `write`, `all` for every family; without it, the maker's own.",
    ),
]
_REFUSED = (
    "Refused: tokens here come from no other token, and are for dev users and service accounts."
)


class AuthToken(Atom):
    """A token, without its secret."""

    client_id: str | UnsetType = UNSET
    expires_at: str
    issued_at: str
    requested_token_type: TokenType
    scopes: list[str] | UnsetType = UNSET
    status: TokenStatus
    subject: str
    token_hint: str | UnsetType = UNSET


class AuthTokensCreateRequest(Request):
    """A new token: for the caller, or, where an admin asks, for another user."""

    act_as: Annotated[
        TokenHolderId | UnsetType, Meta(description="Whose token, where an admin asks.")
    ] = UNSET
    aud: Annotated[
        Shorts | UnsetType, Meta(description="Refused: tokens here have no audience.")
    ] = UNSET
    client_id: Short | UnsetType = UNSET
    expires_at: Annotated[
        Instant | UnsetType, OURS, Meta(description="When it ends; within 1825 days.")
    ] = UNSET
    expires_in: Days | UnsetType = UNSET
    expires_in_mins: Minutes | UnsetType = UNSET
    grant_type: GrantType | UnsetType = UNSET
    requested_token_type: TokenType | UnsetType = UNSET
    rev_info: Annotated[dict[str, Any] | UnsetType, Meta(description=_REFUSED)] = UNSET
    scope: Scopes | UnsetType = UNSET
    subject_token: Annotated[Text | UnsetType, Meta(description=_REFUSED)] = UNSET
    subject_token_type: Annotated[SubjectTokenType | UnsetType, Meta(description=_REFUSED)] = UNSET
    token_hint: Hint | UnsetType = UNSET


class AuthTokensCreateResponse(Response):
    """The token, shown this once, and the seconds that it lives."""

    access_token: str
    client_id: str | UnsetType = UNSET
    expires_in: int
    scope: str | UnsetType = UNSET
    token_id: Annotated[str, OURS]
    token_type: Literal["bearer"]


class AuthTokensGetRequest(Request):
    """Which token."""

    token_id: AuthTokenId


class AuthTokensGetResponse(Response):
    """The token."""

    token: AuthToken


class AuthTokensListRequest(Request):
    """Whose tokens; without `subject`, the caller's."""

    client_id: Short | UnsetType = UNSET
    requested_token_type: TokenType | UnsetType = UNSET
    subject: UserId | UnsetType = UNSET


class AuthTokensListResponse(Response):
    """All of them, the newest first."""

    tokens: list[AuthToken]


class AuthTokensInfoRequest(Request):
    """Nothing: it is about the token in use."""


class OrgAttributes(Response):
    """The token's org."""

    display_id: str
    id: str


class TokenAttributes(Response):
    """The token; times are in seconds since 1970."""

    expiry: int
    issued_at: int
    issuer: str
    subject: str


class UserAttributes(Response):
    """The token's user."""

    type: Literal["dev_user", "rev_user", "service_account", "sys_user"]
    display_id: str
    display_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    full_name: str | UnsetType = UNSET
    id: str


class AuthTokensInfoResponse(Response):
    """What the token in use stands for."""

    organization: OrgAttributes
    token: TokenAttributes
    user: UserAttributes


class AuthTokensUpdateRequest(Request):
    """What a token is for."""

    token_hint: Hint
    token_id: AuthTokenId


class AuthTokensUpdateResponse(Response):
    """The token as it is now."""

    token: AuthToken


class AuthTokensDeleteRequest(Request):
    """Which token; without `token_id`, the one in use."""

    token_id: AuthTokenId | UnsetType = UNSET


class AuthTokensDeleteResponse(Response):
    """Nothing: the token is revoked."""


class AuthTokensSelfDeleteRequest(Request):
    """The caller's tokens of one type; without it, the one in use."""

    requested_token_type: TokenType | UnsetType = UNSET


class AuthTokensSelfDeleteResponse(Response):
    """Nothing: the tokens are revoked."""


CREATE = Method(
    "auth-tokens.create", WRITE, AuthTokensCreateRequest, AuthTokensCreateResponse,
    "Create a token", "auth_token:write", status=201, secret_answer=True,
    example={"token_hint": "nightly export", "scope": "engagement:read tag:read", "expires_in": 30},
)  # fmt: skip
GET = Method(
    "auth-tokens.get", READ, AuthTokensGetRequest, AuthTokensGetResponse,
    "Get a token", "auth_token:read", errors=(NotFound,),
    example={"token_id": "TOKEN-1"},
)  # fmt: skip
LIST = Method(
    "auth-tokens.list", READ, AuthTokensListRequest, AuthTokensListResponse, "List tokens", "auth_token:read"
)  # fmt: skip
INFO = Method(
    "auth-tokens.info", READ, AuthTokensInfoRequest, AuthTokensInfoResponse,
    "Tell what the token in use stands for", None, errors=(NotFound,),
)  # fmt: skip
UPDATE = Method(
    "auth-tokens.update", WRITE, AuthTokensUpdateRequest, AuthTokensUpdateResponse,
    "Change what a token is said to be for", "auth_token:write", errors=(NotFound,),
    example={"token_id": "TOKEN-1", "token_hint": "my laptop"},
)  # fmt: skip
DELETE = Method(
    "auth-tokens.delete", WRITE, AuthTokensDeleteRequest, AuthTokensDeleteResponse,
    "Revoke a token", "auth_token:all", errors=(NotFound,),
    example={"token_id": "TOKEN-2"},
)  # fmt: skip
SELF_DELETE = Method(
    "auth-tokens.self.delete", WRITE, AuthTokensSelfDeleteRequest, AuthTokensSelfDeleteResponse,
    "Revoke the token in use, or all of the caller's of one type", None, errors=(NotFound,),
)  # fmt: skip

"""The service-accounts family: programs that hold tokens of their own."""

from typing import Annotated

from msgspec import Meta

from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.fields import UNSET, Name, Request, Response, UnsetType
from rapport.contract.kit.ids import ServiceAccountId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.users import User


class ServiceAccount(User):
    """A service account."""


class ServiceAccountsCreateRequest(OwnTime):
    """A new service account."""

    display_name: Name
    gen_keyring: Annotated[
        bool | UnsetType,
        Meta(description="Taken and not kept: there are no keyrings here. Make a token for it."),
    ] = UNSET


class ServiceAccountsCreateResponse(Response):
    """The service account that was made."""

    service_account: ServiceAccount


class ServiceAccountsGetRequest(Request):
    """Which service account."""

    id: ServiceAccountId


class ServiceAccountsGetResponse(Response):
    """The service account."""

    service_account: ServiceAccount


class ServiceAccountsUpdateRequest(Request):
    """What changes; what is absent stays."""

    id: ServiceAccountId
    display_name: Name | UnsetType = UNSET


class ServiceAccountsUpdateResponse(Response):
    """The service account as it is now."""

    service_account: ServiceAccount


CREATE = Method(
    "service-accounts.create", WRITE, ServiceAccountsCreateRequest, ServiceAccountsCreateResponse,
    "Create a service account", "service_account:write", status=201,
    example={"display_name": "Nightly import"},
)  # fmt: skip
GET = Method(
    "service-accounts.get", READ, ServiceAccountsGetRequest, ServiceAccountsGetResponse,
    "Get a service account", "service_account:read", errors=(NotFound,),
)  # fmt: skip
UPDATE = Method(
    "service-accounts.update", WRITE, ServiceAccountsUpdateRequest, ServiceAccountsUpdateResponse,
    "Change a service account", "service_account:write", errors=(NotFound,),
)  # fmt: skip

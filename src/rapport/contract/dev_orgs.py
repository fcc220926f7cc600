"""The dev-orgs family: the caller's own org."""

from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.fields import UNSET, Name, Request, Response, UnsetType
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.users import Atom


class DevOrg(Atom):
    """A dev org."""

    dev_slug: str
    display_name: str | UnsetType = UNSET


class DevOrgsGetRequest(Request):
    """Nothing: the token says which."""


class DevOrgsGetResponse(Response):
    """The caller's org."""

    dev_org: DevOrg


class DevOrgsUpdateRequest(Request):
    """What changes about the caller's org; what is absent stays."""

    display_name: Name | UnsetType = UNSET


class DevOrgsUpdateResponse(Response):
    """The org as it is now."""

    dev_org: DevOrg


GET = Method(
    "dev-orgs.get", READ, DevOrgsGetRequest, DevOrgsGetResponse, "Get the caller's org", "dev_org:read",
    errors=(NotFound,),
)  # fmt: skip
UPDATE = Method(
    "dev-orgs.update",
    WRITE,
    DevOrgsUpdateRequest,
    DevOrgsUpdateResponse,
    "Rename the caller's org",
    "dev_org:write",
    ours=True,
    example={"display_name": "Demo"},
)

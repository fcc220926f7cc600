"""The dev-orgs family: the caller's own org."""

from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.fields import UNSET, Request, Response, UnsetType
from rapport.contract.kit.method import READ, Method
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


GET = Method(
    "dev-orgs.get", READ, DevOrgsGetRequest, DevOrgsGetResponse, "Get the caller's org", "dev_org:read",
    errors=(NotFound,),
)  # fmt: skip

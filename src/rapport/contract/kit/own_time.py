"""Own time: who made and changed an object and when, where it has a history from elsewhere."""

from typing import Annotated

from rapport.contract.kit.fields import OURS, UNSET, Instant, Request, UnsetType
from rapport.contract.kit.ids import UserId

# What a token must grant beside the method's own scope; see `auth.caller.may_import`.
IMPORT = "import"


class Dated(Request):
    """A request that may say when and by whom; which fields do, its subclasses declare."""


class OwnTime(Dated):
    """The fields of a create, which take the scope `import`."""

    created_by: Annotated[UserId | UnsetType, OURS] = UNSET
    created_date: Annotated[Instant | UnsetType, OURS] = UNSET
    modified_by: Annotated[UserId | UnsetType, OURS] = UNSET
    modified_date: Annotated[Instant | UnsetType, OURS] = UNSET


FIELDS = OwnTime.__struct_fields__

"""What comes back from a deletion, and what does not; of whatever kind it is."""

from rapport.contract.kit.fields import Response


class Missing(Response):
    """A reference that an object came back without, because what it named is gone."""

    field_name: str
    id: str

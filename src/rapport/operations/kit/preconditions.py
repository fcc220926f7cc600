"""Updates that are made only if nobody was faster."""

from rapport.clock import format_rfc3339
from rapport.contract.kit.fields import Instant, UnsetType
from rapport.operations.kit.refusals import not_permitted


def check_unchanged(modified: int, expected: Instant | UnsetType) -> None:
    """See that an object, which is held, is as its caller knows it.

    Args:
        modified: when it was changed last, in microseconds since 1970.
        expected: the `modified_date` that the caller has; nothing is asked without it.

    Raises:
        ValueNotPermitted: it was changed since; the answer says when.
    """
    if isinstance(expected, UnsetType) or int(expected) == modified:
        return
    raise not_permitted(
        "if_modified_date",
        f"is not its modified_date, which is {format_rfc3339(modified)}",
        "Somebody changed it since: get it anew, and decide what is to be kept.",
        value=format_rfc3339(expected),
    )

"""Every family's operations: importing them registers what does each method."""

from importlib import import_module
from importlib.util import find_spec

from rapport.contract.batch import RUN
from rapport.contract.table import METHODS
from rapport.operations.kit.context import BATCH_OPERATIONS, OPERATIONS

# What several families do alike.
_SHARED = ("purging",)


class NoOperation(Exception):
    """Methods that nothing does; one sentence names them."""


def load() -> None:
    """Import the module of each family of METHODS, so that each method has its operation. A batch
    has none: the invoker does it.

    Raises:
        NoOperation: a method has none.
    """
    families = dict.fromkeys(method.family for method in METHODS.values())
    for family in (*families, *_SHARED):
        module = f"rapport.operations.{family.replace('-', '_')}"
        if find_spec(module) is not None:
            import_module(module)
    lacking = [
        name
        for name, one in METHODS.items()
        if one not in OPERATIONS and one not in BATCH_OPERATIONS and one is not RUN
    ]
    if lacking:
        raise NoOperation(f"no function in rapport.operations handles {', '.join(lacking)}")

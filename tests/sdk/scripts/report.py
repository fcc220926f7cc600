"""What the scripts here share. Each runs in its client's own environment and prints one line
per check.
"""

import inspect
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Check = Callable[[Any], Awaitable[None]]


async def done(answer: Any) -> Any:
    """Wait for the answer of an asynchronous client; a synchronous one's is here already."""
    return await answer if inspect.isawaitable(answer) else answer


async def refused(
    error: type[Exception], call: Callable[..., Any], *arguments: Any, **named: Any
) -> Any:
    """A call that must raise this; what it raised."""
    try:
        await done(call(*arguments, **named))
    except error as refusal:
        return refusal
    raise AssertionError(f"no {error.__name__}")


async def report(checks: Sequence[Check], client: Any) -> int:
    """Run the checks; the exit code. A check's docstring, where it has one, says what its
    client can't do.
    """
    failed = 0
    for check in checks:
        try:
            await check(client)
        except Exception:  # noqa: BLE001  # a check's failure is its line
            failed += 1
            print(f"not ok: {check.__name__}: {traceback.format_exc()}")
        else:
            print(f"ok: {check.__name__}")
    return 1 if failed else 0

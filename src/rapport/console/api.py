"""How pages ask: methods of the API, by requests as JSON has them."""

from typing import Any

import msgspec

from rapport.auth.caller import Caller, authorize
from rapport.contract.kit.errors import Forbidden
from rapport.contract.kit.fields import Json
from rapport.contract.kit.method import Method
from rapport.operations.kit.invoke import Invoker
from rapport.wire.decode import decoder_of


class Api:
    """The methods, for pages.

    Args:
        invoker: runs them.
    """

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker

    async def ask(
        self, caller: Caller, method: Method, request: Json, *, key: str | None = None
    ) -> Any:
        """A method's answer.

        Raises:
            ApiError: the refusal, as every caller of the API gets it.
        """
        read = decoder_of(method.request).from_body(msgspec.json.encode(request))
        answer = await self._invoker.invoke(caller, method, read, key=key)
        return msgspec.json.decode(answer.body)


def may(caller: Caller, method: Method) -> bool:
    """Whether somebody may do this, so that they see no button that would be refused."""
    try:
        authorize(caller, method)
    except Forbidden:
        return False
    return True

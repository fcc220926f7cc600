"""The operator's commands, on an open store or through the running server that has it open.

A server listens on `control.sock` in its data folder: one JSON object a line in, one out. Whoever
may open the folder (0700) may open the store as well, so no token is asked for.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from rapport.blobs.signed_urls import SignedUrls
from rapport.contract import commands as contract
from rapport.contract.kit.errors import ApiError, NotFound
from rapport.contract.kit.fields import UNSET, Request
from rapport.contract.table import METHODS
from rapport.operations.admin import Admin, AdminError
from rapport.operations.kit.invoke import Invoker
from rapport.wire.decode import decoder_of
from rapport.wire.errors import render

# A batch of 8 MiB, as a JSON text within JSON.
_LINE = 20 * 1024 * 1024
_TAKES: dict[str, type[Request]] = {
    "init": contract.Init,
    "orgs create": contract.OrgsCreate,
    "orgs list": contract.OrgsList,
    "orgs rename": contract.OrgsRename,
    "orgs delete": contract.OrgsDelete,
    "users list": contract.UsersList,
    "users create": contract.UsersCreate,
    "users role": contract.UsersRole,
    "users email": contract.UsersEmail,
    "users deactivate": contract.UsersState,
    "users activate": contract.UsersState,
    "tokens create": contract.TokensCreate,
    "tokens list": contract.TokensList,
    "tokens revoke": contract.TokensRevoke,
    "login": contract.Login,
    "call": contract.Call,
}


def check(command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a command is given, by the API's own rules.

    Raises:
        ApiError: a text is none that the API would take.
    """
    request = decoder_of(_TAKES[command]).from_body(json.dumps(arguments).encode())
    return {
        name: value for name, value in msgspec.structs.asdict(request).items() if value is not UNSET
    }


def sentence(error: ApiError) -> str:
    """What is wrong, and what to do about it."""
    what, way = error.message.rstrip("."), error.detail.rstrip(".")
    return f"{what}; {way[0].lower()}{way[1:]}" if way else what


class Commands:
    """What can be asked of an open store."""

    def __init__(self, admin: Admin, invoker: Invoker, urls: SignedUrls) -> None:
        self._admin = admin
        self._invoker = invoker
        self._urls = urls
        self._known: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
            "init": admin.init,
            "orgs create": admin.orgs_create,
            "orgs list": admin.orgs_list,
            "orgs rename": admin.orgs_rename,
            "orgs delete": admin.orgs_delete,
            "users list": admin.users_list,
            "users create": admin.users_create,
            "users role": admin.users_role,
            "users email": admin.users_email,
            "users deactivate": admin.users_deactivate,
            "users activate": admin.users_activate,
            "tokens create": admin.tokens_create,
            "tokens list": admin.tokens_list,
            "tokens revoke": admin.tokens_revoke,
            "login": self._login,
            "call": self._call,
        }

    async def run(self, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run a command; a refusal comes back as `{"error": text}` or `{"status": n, "body":
        JSON text}`.
        """
        try:
            return await self._known[command](**check(command, arguments))
        except AdminError as error:
            return {"error": str(error)}
        except ApiError as error:
            status, _, body = render(error)
            return {"status": status, "body": body.decode(), "error": sentence(error)}

    def sign_in_url(self, secret: str) -> str:
        """Where a link's secret signs somebody in."""
        return f"{self._urls.base}/sign-in/{secret}"

    async def _login(self, **arguments: str) -> dict[str, Any]:
        answer = await self._admin.login(**arguments)
        return {"user": answer["user"], "url": self.sign_in_url(answer["secret"])}

    async def _call(
        self, *, method: str, body: str, user: str | None = None, org: str | None = None
    ) -> dict[str, Any]:
        found = METHODS.get(method)
        if found is None:
            raise NotFound("route not found", detail=f"There is no method {method}.")
        caller = await self._admin.caller(user=user, org=org)
        request = decoder_of(found.request).from_body(body.encode())
        answer = await self._invoker.invoke(caller, found, request)
        return {"status": found.status_of(answer.body), "body": answer.body.decode()}


async def listen(path: Path, commands: Commands) -> asyncio.Server:
    """Take commands on a socket that only this user can open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline())
            answer = await commands.run(asked["command"], asked["arguments"])
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(serve, path, limit=_LINE)
    path.chmod(0o600)
    return server

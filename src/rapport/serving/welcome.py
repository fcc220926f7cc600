"""What an operator is told at a start: the first makes an org, any other says how to get in."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rapport import token_file
from rapport.operations import demo
from rapport.serving.installation import Opened
from rapport.serving.parent import Parent
from rapport.settings import Settings


class First(NamedTuple):
    """What an empty store is filled with.

    Args:
        org: the name of its org.
        email: of that org's admin.
        with_demo: the demo's org instead, and all that is in it.
        token_file: where the admin's token goes as well.
    """

    org: str = "My org"
    email: str = "admin@example.com"
    with_demo: bool = False
    token_file: Path | None = None

    def options(self) -> list[str]:
        """The options of `rapport serve` that say something else than nothing."""
        default = First()
        return [
            f"--{name.removeprefix('with_').replace('_', '-')}"
            for name in self._fields
            if getattr(self, name) != getattr(default, name)
        ]


async def _first_start(opened: Opened, first: First, say: Callable[[str], None]) -> bool:
    """Initialise an empty store, and tell the operator; False when it holds something.

    Raises:
        CannotStart: the token's file can't be made.
    """
    if not await opened.admin.is_empty():
        return False
    if first.token_file is not None:
        token_file.check(first.token_file)
    if first.with_demo:
        made = await demo.fill(opened.store, opened.blobs, opened.clock)
    else:
        made = await opened.admin.first_org(name=first.org, email=first.email)
    if made is None:
        return False  # another process was first
    say(
        f"Made the org {made['org']['name']} ({made['org']['display_id']}). Token, shown this "
        f"once:\n{made['token']}"
    )
    if first.token_file is not None:
        token_file.write(first.token_file, made["token"])
        say(f"It is in {first.token_file} too.")
    return True


async def welcome(
    opened: Opened,
    settings: Settings,
    first: First,
    say: Callable[[str], None],
    parent: Parent | None,
) -> str:
    """Initialise an empty store and tell how to get in, else how to get a token.

    Returns:
        What whoever has just made the store is told once it is served, if anything.
    """
    if await _first_start(opened, first, say):
        made = await opened.commands.run("login", {})
        return f"Sign in to the console within ten minutes: {made['url']}"
    # Of several workers one is enough to say it.
    if parent is None or parent.number == 1:
        await _hint(opened, settings, first, say)
    return ""


async def _hint(
    opened: Opened, settings: Settings, first: First, say: Callable[[str], None]
) -> None:
    """Tell an operator who starts a store again what they may look for in vain."""
    if given := first.options():
        verb = "changes" if len(given) == 1 else "change"
        say(f"{opened.place} is in use already: {' and '.join(given)} {verb} nothing there.")
    place = (
        f" --data {shlex.quote(str(settings.data))}"
        if settings.found["data"].source == "--data"
        else ""
    )
    place += " --database URL" if settings.found["database_url"].source == "--database" else ""
    say(f"For a token: rapport tokens create {await opened.admin.holder()}{place}")
    say(f"For a link into the console: rapport login{place}")

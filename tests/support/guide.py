"""Runs the shell examples of a guide page, in order, in one shell, as a reader would who pastes
them.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
# What the pages call their server, over both protocols.
HTTP = "http://127.0.0.1:8080"
HTTPS = "https://localhost:8080"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "=== end of an example ==="


class Example(NamedTuple):
    """A fenced block; `shown` is the block of `text` right behind it, what it is said to print."""

    code: str
    shown: str | None


def examples(page: str, language: str = "sh") -> list[Example]:
    """The blocks of a language on a page under docs/guide."""
    text = (ROOT / "docs" / "guide" / page).read_text(encoding="utf-8")
    blocks = list(_BLOCK.finditer(text))
    found = []
    for block, behind in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] == language:
            is_output = (
                behind is not None
                and behind[1] == "text"
                and not text[block.end() : behind.start()].strip()
            )
            found.append(Example(block[2], behind[2] if behind is not None and is_output else None))
    return found


def run(
    chosen: list[Example], folder: Path, *, replace: Mapping[str, str], **environment: str
) -> None:
    """Run examples in one shell, which stops at the first failure, and compare what they print.

    Args:
        chosen: in order; variables of one live on in the next.
        folder: to run in.
        replace: what a reader would change, such as the address.
        environment: variables that the page asks the reader to set.
    """
    script = f"\necho '{_MARK}'\n".join(changed(example.code, replace) for example in chosen)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # A reader's shell has none of these; curl prefers CURL_CA_BUNDLE to SSL_CERT_FILE.
    foreign = ("RAPPORT_", "CURL_CA_BUNDLE", "SSL_CERT_", "NODE_EXTRA_CA_CERTS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**clean, "PATH": path, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    said = ended.stdout.split(f"{_MARK}\n")
    assert ended.returncode == 0, f"example {len(said)} failed: {ended.stdout}{ended.stderr}"
    for example, output in zip(chosen, said, strict=True):
        compare(example, output, replace)


def compare(example: Example, output: str, replace: Mapping[str, str]) -> None:
    """Check that an example printed what the page says, where it says something; `…` stands for
    anything.
    """
    if example.shown is not None:
        pattern = re.escape(changed(example.shown, replace).strip()).replace("…", ".*")
        assert re.fullmatch(pattern, output.strip()), (
            f"{example.code}\nprints {output}\nnot {example.shown}"
        )


def changed(text: str, replace: Mapping[str, str]) -> str:
    """A page's text with what a reader would change."""
    for old, new in replace.items():
        text = text.replace(old, new)
    return text

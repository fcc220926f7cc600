"""A method's example as programs: curl, Python and TypeScript."""

import json
from typing import NamedTuple

from rapport.contract.kit.fields import Json

# The page writes its own server's address in place of this one.
HOST = "http://127.0.0.1:8080"
_ROOM = 56
_PYTHON = {"true": "True", "false": "False", "null": "None"}


class Sample(NamedTuple):
    """One program, in the language that the page calls so."""

    language: str
    code: str


def samples(path: str, example: Json) -> list[Sample]:
    """The programs that send an example, with the token that the variable TOKEN holds."""
    return [
        Sample("curl", _curl(path, example)),
        Sample("Python", _python(path, example)),
        Sample("TypeScript", _typescript(path, example)),
    ]


def pretty(
    value: object, *, words: dict[str, str] | None = None, indent: int = 2, at: int = 0
) -> str:
    """JSON for people: what is short stays in one line.

    Args:
        value: what to write.
        words: what another language writes in place of JSON's own.
        indent: spaces of a level.
        at: how far the first line is indented already.
    """
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value:
        return (words or {}).get(flat, flat)
    inner = (
        [_entry(one, value, words, indent, at) for one in value]
        if isinstance(value, dict)
        else [pretty(one, words=words, indent=indent, at=at + indent) for one in value]
    )
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    line = f"{opening}{', '.join(inner)}{closing}"
    if at and len(line) <= _ROOM and "\n" not in line:
        return line
    gap = " " * (at + indent)
    return f"{opening}\n{gap}" + f",\n{gap}".join(inner) + f"\n{' ' * at}{closing}"


def _entry(name: str, value: Json, words: dict[str, str] | None, indent: int, at: int) -> str:
    return f"{json.dumps(name)}: {pretty(value[name], words=words, indent=indent, at=at + indent)}"


def _curl(path: str, example: Json) -> str:
    body = json.dumps(example, ensure_ascii=False).replace("'", r"'\''")
    return (
        f"curl {HOST}{path} \\\n"
        '  -H "Authorization: Bearer $TOKEN" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{body}'"
    )


def _python(path: str, example: Json) -> str:
    return f"""\
import os

import httpx

answer = httpx.post(
    "{HOST}{path}",
    headers={{"Authorization": f"Bearer {{os.environ['TOKEN']}}"}},
    json={pretty(example, words=_PYTHON, indent=4, at=4)},
)
print(answer.raise_for_status().json())"""


def _typescript(path: str, example: Json) -> str:
    return f"""\
const answer = await fetch("{HOST}{path}", {{
  method: "POST",
  headers: {{
    Authorization: `Bearer ${{process.env.TOKEN}}`,
    "Content-Type": "application/json",
  }},
  body: JSON.stringify({pretty(example, at=2)}),
}});
if (!answer.ok) throw new Error(await answer.text());
console.log(await answer.json());"""

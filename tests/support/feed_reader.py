"""A feed reader in a process of its own, which keeps what it hears in one file and can be killed at
any moment.

Run it as `python -m tests.support.feed_reader URL TOKEN FILE`. It reads on until it is killed. What
it knows is written as a whole after each answer (a new file, renamed over the old one), so that
number and state always belong together.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.support import fetch

State = dict[str, Any]
# Of accounts, what changes with time and is told by no event.
RECKONED = frozenset({"engagements_last_30_days", "last_engagement", "next_engagement"})


def load(file: Path) -> State:
    """What was kept: the number, and the objects by kind and id."""
    if not file.exists():
        return {"after": 0, "objects": {}, "heard": 0}
    found: State = json.loads(file.read_text(encoding="utf-8"))
    return found


def keep(file: Path, state: State) -> None:
    """Keep what is known, all or nothing."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(state), encoding="utf-8")
    new.replace(file)


def apply(state: State, event: Any) -> None:
    """Take in one event: all that a copy of the store needs."""
    kind, _, action = event["type"].rpartition("_")
    objects = state["objects"].setdefault(kind, {})
    assert event["sequence"] > state["after"], "an event came twice, or out of order"
    if action == "deleted":
        del objects[event["object"]]
    else:
        (told,) = (
            value for name, value in event[event["type"]].items() if not name.startswith("old_")
        )
        assert (action == "created") == (event["object"] not in objects), event["type"]
        if action == "updated":
            (old,) = (
                value for name, value in event[event["type"]].items() if name.startswith("old_")
            )
            assert plain(old) == plain(objects[event["object"]]), (
                "it was something else before than was told"
            )
        objects[event["object"]] = told
    state["after"] = event["sequence"]
    state["heard"] += 1


def plain(value: Any, *, top: bool = True) -> Any:
    """An object with the ids of others in place of their summaries, whose names are those of
    the moment.
    """
    if isinstance(value, list):
        return [plain(one, top=False) for one in value]
    if not isinstance(value, dict):
        return value
    if not top and "display_id" in value and "id" in value:
        return value["id"]
    return {
        name: plain(inner, top=False)
        for name, inner in value.items()
        if not (top and name in RECKONED)
    }


def main() -> None:
    """Read until killed."""
    url, token, file = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    state = load(file)
    with fetch.client(headers={"authorization": f"Bearer {token}"}, timeout=60) as http:
        while True:
            request = {"after": state["after"], "limit": 100, "wait": 5}
            answer = http.post(f"{url}/events.list", json=request).raise_for_status().json()
            for event in answer["events"]:
                apply(state, event)
            state["after"] = answer["last"]
            keep(file, state)


if __name__ == "__main__":
    main()

"""The questions that are measured, as data: what is asked, how it is paged, what must be found,
and the goal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.believable import OF_A_RARE_ACCOUNT, OF_THE_RARE_AUTHOR, World

Ask = Callable[[str, Any], Any]
_MIDDLE = "2024-05-15T08:00:00.000Z"
_MONTH = {"after": "2024-03-01T00:00:00.000Z", "before": "2024-04-01T00:00:00.000Z"}
_PAGE = 50
# With fewer engagements the common ones are too few for a page.
_FILLS_PAGES = 20_000


@dataclass(frozen=True)
class Question:
    """One question.

    Args:
        group: `questions` (lists), `counts` or `rollup`.
        name: for people, and of the figure.
        method: which one is asked.
        request: what is sent.
        finds: how many rows must be answered, or what must be counted; None where the data doesn't
            say.
        begin: narrows the list to where the page to be measured begins; its cursor is taken from
            there.
        goal: milliseconds at a million engagements, from the issue's table.
        peer: the same question to a baseline, as a path; None where it has none.
    """

    group: str
    name: str
    method: str
    request: Mapping[str, Any]
    finds: int | None = None
    begin: Mapping[str, Any] | None = None
    goal: float = 5.0
    peer: str | None = None


def questions(world: World) -> list[Question]:
    """All of them."""
    found = [*_lists(world), *_pages(), *_others(world), *_counts(world), *_rollups(world)]
    if world.rows >= _FILLS_PAGES:
        return found
    return [replace(one, finds=None) if one.finds == _PAGE else one for one in found]


def _list(
    name: str, peer: str | None = "", finds: int | None = _PAGE, goal: float = 5.0, **request: Any
) -> Question:
    path = None if peer is None else f"/engagements?limit={_PAGE}{peer and '&' + peer}"
    return Question(
        "questions",
        name,
        "engagements.list",
        {"limit": _PAGE, **request},
        finds=finds,
        goal=goal,
        peer=path,
    )


def _lists(world: World) -> list[Question]:
    rare, author, unused = (
        f"ACC-{world.rare_account}",
        f"DEVU-{world.rare_author}",
        f"TAG-{world.unused_tag}",
    )
    by_date = ["scheduled_date:desc"]
    lonely, tag = (
        f"{kind}-{number}" for kind, number in zip(("DEVU", "TAG"), world.apart, strict=True)
    )
    ref = f"crm-{world.rows // 2}"
    return [
        _list("default order"),
        _list("by title", "sort=title", sort_by=["title:asc"]),
        _list("by scheduled date", "sort=-scheduled_date", sort_by=by_date),
        _list("a common member", "member=DEVU-1", members=["DEVU-1"]),
        _list(
            "a common member, by title",
            "member=DEVU-1&sort=title",
            members=["DEVU-1"],
            sort_by=["title:asc"],
        ),
        _list("a common account", "account=ACC-1", parent=["ACC-1"]),
        _list(
            "a common account, by scheduled date",
            "account=ACC-1&sort=-scheduled_date",
            parent=["ACC-1"],
            sort_by=by_date,
        ),
        _list("an account with 3", f"account={rare}", OF_A_RARE_ACCOUNT, parent=[rare]),
        _list(
            "an account with 3, by title",
            f"account={rare}&sort=title",
            OF_A_RARE_ACCOUNT,
            parent=[rare],
            sort_by=["title:asc"],
        ),
        _list(
            "an account with 3, by scheduled date",
            f"account={rare}&sort=-scheduled_date",
            OF_A_RARE_ACCOUNT,
            parent=[rare],
            sort_by=by_date,
        ),
        _list("an external_ref", f"external_ref={ref}", 1, external_ref=[ref]),
        _list("a common tag", "tag=TAG-1", tags=["TAG-1"]),
        _list("a tag nobody uses", f"tag={unused}", 0, tags=[unused]),
        _list("a common author", "author=DEVU-1", created_by=["DEVU-1"]),
        _list("a rare author", f"author={author}", OF_THE_RARE_AUTHOR, created_by=[author]),
        _list("a type", "type=call", type=["call"]),
        _list("a month", None, scheduled_date=_MONTH),
        _list(
            "an account with 3 and a type",
            f"account={rare}&type=call",
            None,
            parent=[rare],
            type=["call"],
        ),
        _list(
            "a rare author and a common tag",
            f"author={author}&tag=TAG-1",
            None,
            created_by=[author],
            tags=["TAG-1"],
        ),
        _list(
            "a member, a tag and a type, all common",
            "member=DEVU-1&tag=TAG-1&type=call",
            members=["DEVU-1"],
            tags=["TAG-1"],
            type=["call"],
        ),
        _list(
            "an account, a member and a type, the account rare",
            f"account={rare}&member=DEVU-1&type=call",
            None,
            parent=[rare],
            members=["DEVU-1"],
            type=["call"],
        ),
        _list(
            "two common filters, nothing in common",
            f"author={lonely}&tag={tag}",
            0,
            goal=60,
            created_by=[lonely],
            tags=[tag],
        ),
        _list(
            "two sorts",
            "sort=title&then=-scheduled_date",
            sort_by=["title:asc", "scheduled_date:desc"],
        ),
        _list(
            "two sorts of a common account",
            "account=ACC-1&sort=title&then=-scheduled_date",
            parent=["ACC-1"],
            sort_by=["title:asc", "scheduled_date:desc"],
        ),
        _list("two values of a filter", None, parent=[rare, "ACC-1"]),
        _list(
            "an account with a hundredth, by title",
            "account=ACC-10&sort=title",
            None,
            parent=["ACC-10"],
            sort_by=["title:asc"],
        ),
        _list(
            "an account with a hundredth, by scheduled date",
            "account=ACC-10&sort=-scheduled_date",
            None,
            parent=["ACC-10"],
            sort_by=by_date,
        ),
        _list(
            "two common filters, nothing in common, by title",
            f"author={lonely}&tag={tag}&sort=title",
            0,
            goal=60,
            created_by=[lonely],
            tags=[tag],
            sort_by=["title:asc"],
        ),
    ]


def _pages() -> list[Question]:
    common = _list("a common member", members=["DEVU-1"])
    plain = _list("default order")
    dated = _list("by scheduled date", sort_by=["scheduled_date:desc"])
    found = []
    for question, dates in (
        (plain, "created_date"),
        (dated, "scheduled_date"),
        (common, "created_date"),
    ):
        half = {dates: {"before": _MIDDLE}}
        ways = {
            "middle page": (half, {}),
            "middle page, before": (half, {"mode": "before"}),
            "last page": (None, {"mode": "before"}),
        }
        for way, (begin, more) in ways.items():
            found.append(
                replace(
                    question,
                    name=f"{question.name}: {way}",
                    begin=begin,
                    request={**question.request, **more},
                    peer=None,
                )
            )
    return found


def _others(world: World) -> list[Question]:
    def other(name: str, method: str, finds: int | None, **request: Any) -> Question:
        return Question("questions", name, method, {"limit": _PAGE, **request}, finds=finds)

    return [
        other("accounts", "accounts.list", _PAGE),
        other("accounts with an external_ref", "accounts.list", 1, external_refs=["acc-7"]),
        other("accounts of an owner", "accounts.list", None, owned_by=["DEVU-3"]),
        other("works of an account", "works.list", 1, opportunity={"account": ["ACC-2"]}),
        other(
            "rev users of an account",
            "rev-users.list",
            2,
            associations=[f"ACC-{world.rare_account}"],
        ),
        other("tags", "tags.list", None),
        other("the feed's first events", "events.list", _PAGE),
    ]


def _counts(world: World) -> list[Question]:
    def count(
        name: str, peer: str, finds: int | None = None, goal: float = 2.0, **request: Any
    ) -> Question:
        return Question(
            "counts",
            f"count: {name}",
            "engagements.count",
            request,
            finds=finds,
            goal=goal,
            peer=f"/engagements/count?{peer}",
        )

    rare, (lonely, tag) = f"ACC-{world.rare_account}", world.apart
    return [
        count("all", ""),
        count("a type", "type=call", type=["call"]),
        count("a common member", "member=DEVU-1", members=["DEVU-1"]),
        count("a common account", "account=ACC-1", parent=["ACC-1"]),
        count("an account with 3", f"account={rare}", OF_A_RARE_ACCOUNT, parent=[rare]),
        count("a common tag", "tag=TAG-1", tags=["TAG-1"]),
        count("a common author", "author=DEVU-1", created_by=["DEVU-1"]),
        count(
            "a type and a common member",
            "type=call&member=DEVU-1",
            goal=100,
            type=["call"],
            members=["DEVU-1"],
        ),
        count(
            "two common filters, nothing in common",
            f"author=DEVU-{lonely}&tag=TAG-{tag}",
            0,
            100,
            created_by=[f"DEVU-{lonely}"],
            tags=[f"TAG-{tag}"],
        ),
    ]


def _rollups(world: World) -> list[Question]:
    def rollup(name: str, account: int, **request: Any) -> Question:
        asked = {"object": f"ACC-{account}", "rollup": True, "limit": _PAGE, **request}
        return Question("rollup", f"roll-up: {name}", "timeline-entries.list", asked)

    return [
        rollup("a common account", 1),
        rollup("a common account, its comments", 1, collections=["discussions"]),
        rollup("an account with a hundredth", 10),
        rollup("an account with 3", world.rare_account),
        Question(
            "rollup",
            "an engagement's timeline",
            "timeline-entries.list",
            {"object": "ENGAGEMENT-101"},
        ),
    ]


def placed(question: Question, ask: Ask) -> Question:
    """The question with its cursor, and seen to answer what it must.

    Raises:
        SystemExit: it doesn't: a figure for a wrong answer is none.
    """
    request = dict(question.request)
    if question.begin is not None:
        there = ask(question.method, {**request, **question.begin, "mode": "after"})
        request["cursor"] = there["next_cursor"]
    answer = ask(question.method, request)
    found = answer.get(
        "count", next((len(rows) for rows in answer.values() if isinstance(rows, list)), None)
    )
    # One that takes too long is refused today; its figure then says so.
    if answer.get("type") != "service_unavailable" and (
        found is None or question.finds not in {None, found}
    ):
        raise SystemExit(
            f"{question.name}: {found} found, not {question.finds}: {str(answer)[:300]}"
        )
    return replace(question, request=request)

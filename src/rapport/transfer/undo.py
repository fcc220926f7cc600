"""Taking a run back: what it made goes, what it changed becomes what it was, as far as nobody has
changed it since.
"""

from collections.abc import Sequence
from typing import Any

from rapport.contract.kit import verbatim
from rapport.contract.kit.fields import Json
from rapport.contract.kit.upserts import setters
from rapport.contract.table import METHODS
from rapport.store.kit.progress import Watch
from rapport.transfer.asking import Answered, Request, Taker, groups, many, sentence
from rapport.transfer.engine import says
from rapport.transfer.families import BY_NAME
from rapport.transfer.journal import Change, Journal
from rapport.transfer.requests import wire

_CHANGES = 100
_NOT_THERE = frozenset({400, 404})
_CLEARED_BY_NULL = frozenset({"tier", "amount", "customer_budget", "probability"})
_PURGED = frozenset({"engagements", "meetings"})


class Undo:
    """Takes a run back; `gone` and `put_back` count what was taken back.

    Args:
        taker: where.
        journal: of the run, entered.
        watch: is told how far it is.
    """

    def __init__(self, taker: Taker, journal: Journal, *, watch: Watch) -> None:
        self._taker = taker
        self._journal = journal
        self._watch = watch
        self.gone = 0
        self.put_back = 0
        self.left: list[Json] = []

    async def run(self) -> None:
        """Take it back, the last change first.

        Raises:
            Unreachable: there is no answer; the same again goes on.
        """
        self._watch.expects(self._journal.run.new + self._journal.run.changed)
        wave: list[Change] = []
        seen: set[str] = set()
        for change in self._journal.back():
            if change.action in {"same", "known"}:
                continue
            if len(wave) == _CHANGES or (
                wave and (change.family != wave[0].family or change.id in seen)
            ):
                await self._take_back(wave)
                wave, seen = [], set()
            wave.append(change)
            seen.add(change.id)
        if wave:
            await self._take_back(wave)
        self._journal.run.left = self.left

    async def _take_back(self, wave: Sequence[Change]) -> None:
        family = BY_NAME[wave[0].family]
        there = await many(self._taker, [(f"{family.methods}.get", {"id": one.id}) for one in wave])
        ready: list[tuple[Change, Json]] = []
        for change, answer in zip(wave, there, strict=True):
            if not answer.is_done:
                if change.action == "changed":
                    self._leave(change, "It is gone.")
                continue
            document = verbatim.read(bytes(answer.body))[family.one]
            if says(change.family, document) != change.says:
                self._leave(change, "Somebody has changed it since.")
            else:
                ready.append((change, document))
        answers = await groups(self._taker, [_requests(*one) for one in ready])
        for (change, _), own in zip(ready, answers, strict=True):
            self._count(change, own)
        self._watch.passed("taking back", len(wave))

    def _count(self, change: Change, answers: Sequence[Answered]) -> None:
        refusal = next((one for one in answers if not one.is_done), None)
        if refusal is not None:
            self._leave(change, sentence(bytes(refusal.body)))
        elif change.action == "changed":
            self.put_back += 1
        elif change.family == "dev_users":
            self._leave(change, "Nobody can delete them; they are deactivated.")
        else:
            self.gone += 1

    def _leave(self, change: Change, reason: str) -> None:
        self.left.append({"id": change.id, "family": change.family, "reason": reason})


def _requests(change: Change, document: Json) -> list[Request]:
    """What takes a change back, of an object as it was just read."""
    methods = BY_NAME[change.family].methods
    if change.action == "changed":
        return [_put_back(change, document)]
    if change.family == "dev_users":
        return [(f"{methods}.deactivate", {"id": change.id})]
    requests: list[Request] = [(f"{methods}.delete", {"id": change.id})]
    if change.family in _PURGED:
        requests.append((f"{methods}.purge", {"id": change.id}))
    return requests


def _put_back(change: Change, document: Json) -> Request:
    """The update that gives fields what they were before; where updates can say so, of the version
    that was read and no other.
    """
    method = METHODS[f"{BY_NAME[change.family].methods}.update"]
    setter = setters(method.request)
    fields = {
        name: {"set": value or []} if name in setter else _before(name, value)
        for name, value in wire(change.before or {}).items()
    }
    if "if_modified_date" in method.request.__struct_fields__:
        fields["if_modified_date"] = document["modified_date"]
    return method.name, {"id": change.id, **fields}


def _before(name: str, value: Any) -> Any:
    if value is not None:
        return value
    return None if name in _CLEARED_BY_NULL else ""

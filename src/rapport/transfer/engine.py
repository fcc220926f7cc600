"""The one engine of imports: rows come in, and what they are about is made, changed, or left as it
is.

Some hundred rows at a time it looks up what is there, compares, and does the rest as one batch. The
journal knows beforehand what is about to be written, so that a run which ended in the middle goes
on with the same figures.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import msgspec

from rapport.contract.kit import ids, verbatim
from rapport.contract.kit.fields import Json, wire_value
from rapport.contract.kit.upserts import setters
from rapport.contract.table import METHODS
from rapport.store.kit.progress import Watch
from rapport.transfer.asking import Answered, Taker, groups, many, sentence
from rapport.transfer.families import BY_NAME
from rapport.transfer.finding import find
from rapport.transfer.journal import Change, Journal, Pending
from rapport.transfer.matching import Made, Matching, change_of, matched
from rapport.transfer.records import Reader, Record
from rapport.transfer.requests import creates, differing, update
from rapport.transfer.said import LeadsNowhere, led, said, short

_ROWS = 500
_encode = msgspec.json.Encoder(enc_hook=wire_value, order="sorted").encode
Outcome = Literal["new", "changed", "same", "refused"]


class Options(NamedTuple):
    """How rows are taken.

    Args:
        creates: people, accounts and tags that are not there are made.
    """

    creates: bool = False


class NotAllowed(Exception):
    """The caller may not import; nothing was done."""


class _Planned(NamedTuple):
    """A row that wants something written; `before` is what is there."""

    record: Record
    before: Json | None
    requests: list[tuple[str, Json]]
    differs: Json


def says(family: str, document: Json) -> str:
    """A hash of what an object says, whenever and by whomever it was changed."""
    return hashlib.blake2b(_encode(said(family, document)), digest_size=16).hexdigest()


class Engine:
    """Takes rows.

    Args:
        taker: where to.
        reader: where from.
        journal: of this run, entered.
        refused: the file of rows that are refused.
        options: how.
        watch: is told how far it is.
    """

    # Known from the start of a run on: where refused rows go, and who imports.
    _refused: BinaryIO
    _me: str

    def __init__(
        self,
        taker: Taker,
        reader: Reader,
        journal: Journal,
        refused: Path,
        options: Options,
        *,
        watch: Watch,
    ) -> None:
        self._taker = taker
        self._reader = reader
        self._journal = journal
        self._run = journal.run
        self._refused_path = refused
        self._pending = journal.pending()
        self._matching = Matching(taker, creates=options.creates, note=self._made)
        self._ids: dict[str, str] = {}
        self._waiting: list[Record] = []
        self._watch = watch
        self._told = 0
        self._began = time.monotonic()

    async def run(self) -> None:
        """Take all rows that were not taken before.

        Raises:
            CannotRead: the sources can't be read any further.
            NotAllowed: the caller may not do this.
            Unreachable: there is no answer; the same again goes on.
        """
        me: Any = msgspec.json.decode(await self._taker.ask("dev-users.self", {}))
        self._me = short(me["dev_user"])
        await self._check_rights()
        self._remember()
        self._watch.expects(self._reader.size)
        with self._refused_path.open("ab") as self._refused:
            self._refused.truncate(self._run.refused_bytes)
            for chunk in self._chunks():
                await self._take(chunk)
            if self._waiting:
                await self._take([], is_last=True)
        if not self._run.refused:
            self._refused_path.unlink()
        self._run.refused_file = str(self._refused_path) if self._run.refused else ""

    async def _check_rights(self) -> None:
        """See by the real rules whether rows may say who made them and when.

        Raises:
            NotAllowed: they may not.
        """
        if not self._reader.dates:
            return
        body: Json = {
            "title": "May this token import?",
            "members": [self._me],
            "scheduled_date": "2000-01-01T00:00:00Z",
            "created_date": "2000-01-01T00:00:00Z",
        }
        asked = {"dry_run": True, "requests": [{"method": "engagements.create", "body": body}]}
        answer: Any = msgspec.json.decode(await self._taker.ask("batch.run", asked))
        if answer["results"][0]["status"] >= 400:  # noqa: PLR2004  # where refusals begin
            raise NotAllowed(sentence(msgspec.json.encode(answer["results"][0]["body"])))

    def _remember(self) -> None:
        """Learn again what the ids of the source became."""
        for change in self._journal.changes():
            if change.source:
                self._ids[change.source] = change.id

    def _chunks(self) -> Iterator[list[Record]]:
        """Rows of one family, some hundred at a time, without those that were taken before."""
        chunk: list[Record] = []
        deferred = set(self._run.deferred)
        for record in self._reader.records():
            if record.row <= self._run.position:
                if record.row in deferred:
                    self._waiting.append(record)
                continue
            if chunk and (len(chunk) == _ROWS or record.family != chunk[0].family):
                yield chunk
                chunk = []
            chunk.append(record)
        if chunk:
            yield chunk

    # One chunk

    async def _take(self, chunk: Sequence[Record], *, is_last: bool = False) -> None:
        """Take rows, with those that waited for others; note all of it in the journal."""
        wanted = [*self._waiting, *chunk]
        self._waiting = []
        while wanted:
            ready, waiting = self._lead(wanted)
            if not ready:
                ready, waiting = self._lead(wanted, gives_up=is_last)
                if not ready:
                    self._waiting = waiting
                    break
            waiting += await self._round(ready)
            wanted = waiting
        if chunk:
            self._run.position = chunk[-1].row
        self._run.deferred = [one.row for one in self._waiting]
        self._refused.flush()
        self._run.refused_bytes = self._refused.tell()
        self._journal.keep()
        self._pending = Pending(-1)
        self._tell()

    def _tell(self) -> None:
        seconds = max(time.monotonic() - self._began, 0.001)
        rate = int(self._run.read / seconds)
        done, self._told = self._reader.done - self._told, self._reader.done
        self._watch.passed(f"{self._run.read:,} rows, {rate:,} a second", done)

    def _lead(
        self, records: Sequence[Record], *, gives_up: bool = False
    ) -> tuple[list[Record], list[Record]]:
        """Rows with the ids that things have here, and those that refer to what is not there yet.

        Args:
            records: as they stand in the source.
            gives_up: no more rows come, so that these are refused.
        """
        ready: list[Record] = []
        waiting: list[Record] = []
        for record in records:
            if record.problem or not record.source:
                ready.append(record)
                continue
            try:
                ready.append(self._led(record))
            except LeadsNowhere as error:
                if gives_up:
                    ready.append(record._replace(problem=str(error)))
                else:
                    waiting.append(record)
        return ready, waiting

    def _led(self, record: Record) -> Record:
        own = {
            name: found if name.endswith("_by") else value
            for name, value in record.own.items()
            if (found := self._here(value)) or not name.endswith("_by")
        }
        return record._replace(fields=led(record.fields, self._here), own=own)

    def _here(self, display_id: str) -> str | None:
        if display_id.startswith(ids.SYS_USER.prefix):
            return display_id
        return self._ids.get(display_id)

    async def _round(self, records: Sequence[Record]) -> list[Record]:
        """Take rows that refer to nothing which is still to come; those that are the same as
        another before them wait.
        """
        good, again, seen = [], [], set()
        for record in records:
            key = _key(record)
            if record.problem:
                self._refuse(record, record.problem)
            elif key is not None and key in seen:
                again.append(record)
            else:
                seen.add(key)
                good.append(record)
        if good:
            await self._matching.learn(good)
            good = [matched(one, self._matching, self._me) for one in good]
            for family in dict.fromkeys(one.family for one in good):
                await self._family(family, [one for one in good if one.family == family])
        return again

    async def _family(self, family: str, records: list[Record]) -> None:
        there = await find(self._taker, family, records)
        there |= await self._by_source(family, [one for one in records if one.row not in there])
        planned = []
        for record in records:
            before = there.get(record.row)
            plan = self._plan(record, before)
            if plan is not None:
                planned.append(plan)
            elif before is not None:
                self._keep_same(record, before)
        if planned:
            await self._write(family, planned)

    async def _by_source(self, family: str, records: Sequence[Record]) -> dict[int, Json]:
        """What came into being with something else, such as an account's default rev org."""
        one = BY_NAME[family]
        known = [record for record in records if record.source in self._ids]
        asked = [(f"{one.methods}.get", {"id": self._ids[record.source]}) for record in known]
        answers = await many(self._taker, asked)
        return {
            record.row: verbatim.read(bytes(answer.body))[one.one]
            for record, answer in zip(known, answers, strict=True)
            if answer.is_done
        }

    def _plan(self, record: Record, before: Json | None) -> _Planned | None:
        """What has to be written; None where nothing has to be."""
        if before is None:
            return _Planned(record, None, creates(record), {})
        changes = differing(record, before)
        if not changes or record.is_deleted:
            return None
        return _Planned(record, before, [update(record, before, changes)], changes)

    async def _write(self, family: str, planned: list[_Planned]) -> None:
        self._intend(planned)
        plans = [await self._with_files(plan) for plan in planned]
        answers = await groups(self._taker, [plan.requests for plan in plans])
        for plan, own in zip(plans, answers, strict=True):
            if own[0].is_done:
                await self._keep(family, plan, own)
            else:
                await self._keep_refused(family, plan, own[0])

    async def _keep_refused(self, family: str, plan: _Planned, answer: Answered) -> None:
        """Refuse a row, unless somebody else has made meanwhile what it is about."""
        if plan.before is None:
            there = await find(self._taker, family, [plan.record])
            if plan.record.row in there:
                before = there[plan.record.row]
                again = self._plan(plan.record, before)
                if again is None:
                    self._keep_same(plan.record, before)
                    return
                again = await self._with_files(again)
                (own,) = await groups(self._taker, [again.requests])
                if own[0].is_done:
                    await self._keep(family, again, own)
                    return
                answer = own[0]
        self._refuse(plan.record, sentence(bytes(answer.body)))

    def _intend(self, planned: Sequence[_Planned]) -> None:
        """Note what is about to be written, beside what an earlier try noted."""
        for plan in planned:
            key = _mark(plan.record)
            if plan.before is None:
                self._pending.absent.append(key)
            else:
                fields = said(plan.record.family, plan.before)
                self._pending.before.setdefault(
                    key, {name: fields.get(name) for name in plan.differs}
                )
        self._pending.position = self._run.position
        self._journal.intend(self._pending)

    async def _with_files(self, plan: _Planned) -> _Planned:
        """Bring the files of a row, and put their ids in."""
        record = plan.record
        if plan.before is not None and "artifacts" not in plan.differs:
            return plan
        fields: Json = {}
        if record.files:
            fields["artifacts"] = [await self._upload(file) for file in record.files]
        for name in ("recording", "transcript", "display_picture"):
            if name in record.more and plan.before is None:
                fields[name] = await self._upload(record.more[name])
        if not fields:
            return plan
        (method, body), *others = plan.requests
        setter = setters(METHODS[method].request)
        put = {
            name: {"set": value} if name in setter and isinstance(value, list) else value
            for name, value in fields.items()
        }
        return plan._replace(requests=[(method, {**body, **put}), *others])

    async def _upload(self, file: Any) -> str:
        self._run.made["artifacts"] = self._run.made.get("artifacts", 0) + 1
        return await self._taker.upload(file)

    # What came of it

    async def _keep(self, family: str, plan: _Planned, answers: Sequence[Answered]) -> None:
        body = verbatim.read(bytes(answers[0].body))
        document = body[BY_NAME[family].one]
        if plan.before is None:
            self._keep_new(plan.record, document)
            await self._know_default(plan.record, body.get("default_rev_org"), document)
            if not all(one.is_done for one in answers):
                refusal = next(one for one in answers if not one.is_done)
                self._first("refused", plan.record, sentence(bytes(refusal.body)))
        elif document["modified_date"] == plan.before["modified_date"]:
            # What it asks for is there already, only written otherwise.
            self._keep_same(plan.record, plan.before)
        else:
            fields = said(family, plan.before)
            before = {name: fields.get(name) for name in plan.differs}
            self._keep_changed(plan.record, document, before)

    def _keep_new(self, record: Record, document: Json) -> None:
        self._run.new += 1
        self._first("new", record)
        self._note("new", record, document)

    def _keep_changed(self, record: Record, document: Json, before: Json) -> None:
        self._run.changed += 1
        self._first("changed", record)
        self._note("changed", record, document, before)

    def _keep_same(self, record: Record, document: Json) -> None:
        """Note what needs nothing, unless this very run wrote it before it ended."""
        if _mark(record) in self._pending.absent:
            self._keep_new(record, document)
        elif _mark(record) in self._pending.before:
            self._keep_changed(record, document, self._pending.before[_mark(record)])
        else:
            self._run.same += 1
            self._first("same", record)
            if record.source:
                self._note("same", record, document)

    def _note(
        self,
        action: Literal["new", "changed", "same"],
        record: Record,
        document: Json,
        before: Json | None = None,
    ) -> None:
        if record.source:
            self._ids[record.source] = short(document["id"])
        self._journal.note(
            Change(
                action=action,
                family=record.family,
                id=short(document["id"]),
                source=record.source,
                says="" if action == "same" else says(record.family, document),
                before=before,
            )
        )

    async def _know_default(self, record: Record, default: Any, document: Json) -> None:
        """Note the rev org that came with an account."""
        source = record.more.get("default_rev_org")
        if source and default is None:
            asked = {"account": document["id"]}
            answer: Any = msgspec.json.decode(await self._taker.ask("rev-orgs.get", asked))
            default = answer["rev_org"]
        if source:
            self._ids[source] = short(default)
            self._journal.note(
                Change(action="known", family="rev_orgs", id=short(default), source=source)
            )

    def _made(self, made: Made) -> None:
        self._run.made[made.family] = self._run.made.get(made.family, 0) + 1
        self._journal.note(change_of(made, says))

    def _refuse(self, record: Record, reason: str) -> None:
        self._run.refused += 1
        self._first("refused", record, reason)
        self._reader.refused(self._refused, record, reason)

    def _first(self, outcome: Outcome, record: Record, reason: str = "") -> None:
        """Remember the first row that something came of."""
        if outcome not in self._run.first:
            title = record.fields.get("title") or record.fields.get("display_name") or ""
            told = {"row": record.row, "title": str(title)[:80], "reason": reason}
            self._run.first[outcome] = {name: value for name, value in told.items() if value}


def _key(record: Record) -> tuple[str, ...] | None:
    """What no two rows of one round may have in common."""
    fields = record.fields
    refs = fields.get("external_refs") or [fields.get("external_ref") or ""]
    name = refs[0] or fields.get("email" if record.family.endswith("users") else "name") or ""
    return (record.family, str(name)) if name else None


def _mark(record: Record) -> str:
    """What a row is known by when its run goes on."""
    return str(record.row)

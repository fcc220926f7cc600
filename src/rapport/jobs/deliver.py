"""Tells webhooks what happened: looks at events, claims what is due in the store, sends it, notes
how it went.

A write pays nothing for webhooks: its event is all that it leaves. One turn of this worker is one
transaction: it notes how the attempts since the last turn went, turns events into deliveries while
it moves each webhook's position in the event log, and claims what is due. So nothing is lost and
nothing is made twice, whenever the process ends; a claim that nobody let go of runs out by itself.
"""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from rapport import __version__, metrics
from rapport.clock import DAY, MILLISECOND, SECOND, Clock
from rapport.contract.kit.errors import ServiceUnavailable
from rapport.events.bell import Bell
from rapport.logs import get_logger
from rapport.operations.webhooks import telling
from rapport.store import dev_orgs, webhooks
from rapport.store import events as event_store
from rapport.store import webhook_deliveries as store
from rapport.store.kit.db import Store, Tx, alone, look
from rapport.store.webhook_deliveries import AttemptRow, DeliveryKey, Job, NewDelivery, Settled
from rapport.store.webhooks import WebhookKey
from rapport.webhooks import messages
from rapport.webhooks.post import Outcome, Poster
from rapport.webhooks.signatures import sign

# How soon an event is noticed where nothing rings, and how long two looks at nothing are apart
# where much does: a look costs two index look-ups per webhook.
_LOOK_SECONDS = 0.05
# Attempts that end within this time are noted in one transaction.
_GATHER_SECONDS = 0.004
_AWAY_SECONDS = 1.0
# What a claim lasts beyond the time-out.
_CLAIM_SLACK = 5 * SECOND
# Events that are looked at, and deliveries that may wait ready, per webhook and turn: the log
# itself is the queue.
_AHEAD = 500
# Attempts under way to one webhook. A receiver that fails gets fewer, so that dead ones cost next
# to nothing.
_MOST_AT_ONCE = 32
_FIRST_AT_ONCE = 4
# How long the secret before a change still signs.
OLD_SECRET_LIVES = DAY
_KEPT_ANSWER = 1_024
# After the first failed challenges of a webhook that is new; those that were given up are asked
# less often at once.
_VERIFY_DELAYS = (30.0, 180.0)
# Later than any success: a receiver that is gone is given up whatever it took before.
_EVER = 2**62
# What a receiver that is gone for good answers.
_GONE = 410
_log = get_logger("rapport.webhooks")


class Rules(NamedTuple):
    """How deliveries are tried; all in seconds.

    Args:
        timeout: for one attempt.
        retry_delays: how long after each failed attempt the next one is made; after the last the
            webhook is given up.
        verify_again: how long after a failed challenge the next one is sent.
    """

    timeout: float
    retry_delays: tuple[float, ...]
    verify_again: float


class _Finished(NamedTuple):
    job: Job
    outcome: Outcome
    began: int
    succeeded: bool


class Deliveries:
    """The worker. Several, in several processes, may work on one store.

    Args:
        engine: where webhooks, events and deliveries are.
        clock: the time.
        poster: sends.
        rules: how they are tried.
        bell: rings when there may be something to do.
    """

    def __init__(
        self, engine: Store, clock: Clock, poster: Poster, rules: Rules, *, bell: Bell
    ) -> None:
        self._store = engine
        self._clock = clock
        self._poster = poster
        self._rules = rules
        self._pace: dict[WebhookKey, int] = {}
        self._under_way: dict[WebhookKey, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished: list[_Finished] = []
        self._something = asyncio.Event()
        self._bell = bell
        self._looked = 0.0
        self._next_look: asyncio.TimerHandle | None = None
        # A webhook that another process was at: it may have left something that this one has room
        # for.
        self._passed_over = False
        self._stopping = False
        bell.on_ring(self._rung)

    async def run(self) -> None:
        """Work until `stop`; then wait for the attempts under way and note how they went."""
        while not self._stopping:
            try:
                if not await self.turn():
                    await self._wait()
            except ServiceUnavailable:
                await asyncio.sleep(_AWAY_SECONDS)  # the store logs why; it comes back by itself
            except Exception:  # noqa: BLE001  # one broken thing must not end all deliveries
                _log.exception("delivering_failed")
                await asyncio.sleep(_AWAY_SECONDS)
        if self._tasks:
            await asyncio.wait(self._tasks)
        with contextlib.suppress(ServiceUnavailable):  # then they are made once more
            await alone(self._store, lambda tx: self._note(tx, self._finished))
        self._poster.close()

    def stop(self) -> None:
        """Claim nothing more; `run` ends when no attempt is under way."""
        self._stopping = True
        self._something.set()

    async def _wait(self) -> None:
        """Until an attempt ends, the bell rings, something falls due, or it is time to look
        anyway.
        """
        self._looked = time.monotonic()
        seconds = _LOOK_SECONDS if self._passed_over else self._bell.patience(_LOOK_SECONDS)
        if seconds > _LOOK_SECONDS:
            seconds = min(seconds, await self._until_due())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._something.wait()
            await asyncio.sleep(_GATHER_SECONDS)
        self._something.clear()

    async def _until_due(self) -> float:
        """Seconds until an attempt or a challenge falls due, or a receiver has rested."""
        now = self._clock()
        dates = (
            await look(self._store, lambda tx: store.next_due(tx, now)),
            await look(self._store, lambda tx: webhooks.next_rested(tx, now)),
        )
        due = min((date for date in dates if date is not None), default=None)
        return math.inf if due is None else max(0.0, (due - self._clock()) / SECOND)

    def _rung(self) -> None:
        """Look soon: at once where the last look is a while ago."""
        if self._next_look is None:
            delay = max(0.0, self._looked + _LOOK_SECONDS - time.monotonic())
            self._next_look = asyncio.get_running_loop().call_later(delay, self._look_now)

    def _look_now(self) -> None:
        self._next_look = None
        self._something.set()

    async def turn(self) -> bool:
        """Do what is to be done now; False when it was nothing.

        Raises:
            ServiceUnavailable: the store is away.
        """
        with_work = await look(self._store, lambda tx: webhooks.with_work(tx, self._clock()))
        keys = [key for key in with_work if self._room(key)]
        finished = self._finished[:]
        if not keys and not finished:
            self._passed_over = False
            return False
        looked, claimed = await alone(self._store, lambda tx: self._work(tx, keys, finished))
        del self._finished[: len(finished)]
        for job in await look(self._store, lambda tx: store.jobs(tx, claimed)) if claimed else []:
            self._under_way[job.key] = self._under_way.get(job.key, 0) + 1
            task = asyncio.create_task(self._attempt(job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return bool(looked or claimed or finished)

    def _room(self, key: WebhookKey) -> int:
        """How many more attempts may be under way to a webhook."""
        return self._pace.get(key, _FIRST_AT_ONCE) - self._under_way.get(key, 0)

    # In the transaction of a turn

    async def _work(
        self, tx: Tx, keys: Sequence[WebhookKey], finished: Sequence[_Finished]
    ) -> tuple[bool, list[DeliveryKey]]:
        """Note what finished, look at events, claim what is due.

        Returns:
            Whether there were events, and (org, number) of what was claimed.
        """
        if finished:
            await self._note(tx, finished)
        now = self._clock()
        looked = self._passed_over = False
        claimed: list[DeliveryKey] = []
        for key in keys:
            # Held, so that of several processes one at a time decides what is next for a webhook;
            # the others go on.
            row = await webhooks.lock_free(tx, *key)
            self._passed_over |= row is None
            if row is None or row.status == "inactive":
                continue
            if row.status == "active":
                if (row.resting_until or 0) > now:
                    continue
                looked |= await self._look(tx, row, now)
            claimed += await self._choose(tx, row, now)
        if claimed:
            await store.claim(
                tx, claimed, until=now + round(self._rules.timeout * SECOND) + _CLAIM_SLACK
            )
        return looked, claimed

    async def _look(self, tx: Tx, row: webhooks.WebhookRow, now: int) -> bool:
        """Turn events into deliveries, unless enough of them are waiting; whether there were
        events.
        """
        key = (row.org, row.number)
        if await store.ready(tx, key, now, _AHEAD) >= _AHEAD:
            return False
        found = await event_store.types_after(tx, row.org, row.position, _AHEAD)
        if not found:
            return False
        wanted = frozenset(msgspec.json.decode(row.event_types, type=list[str]))
        new = [
            NewDelivery(row.org, row.number, seq, type_, object_)
            for seq, kind, action, object_ in found
            if (type_ := _told_as(kind, action, wanted))
        ]
        if new:
            await store.add(tx, new, now=now)
        await webhooks.move(tx, [(*key, found[-1][0])])
        return True

    async def _choose(self, tx: Tx, row: webhooks.WebhookRow, now: int) -> list[DeliveryKey]:
        """What is sent next: of each object one at a time, in the order in which it fell due."""
        key = (row.org, row.number)
        free = self._room(key)
        states = ("sending", "pending") if row.status == "active" else ("verifying", "verify")
        taken = await store.busy_objects(tx, key, now)
        chosen: list[DeliveryKey] = []
        for state in states:
            for number, object_ in await store.candidates(tx, key, state, now, _AHEAD):
                if len(chosen) < free and object_ not in taken:
                    taken.add(object_)
                    chosen.append((row.org, number))
        return chosen

    async def _note(self, tx: Tx, finished: Sequence[_Finished]) -> None:
        """Note how attempts went; an org that was deleted meanwhile has none to note."""
        now = self._clock()
        living = await dev_orgs.hold(tx, {one.job.delivery.org for one in finished})
        finished = [one for one in finished if one.job.delivery.org in living]
        await store.keep_attempts(tx, [_attempt_row(one) for one in finished])
        settled = [await self._settled(tx, one, now) for one in finished]
        await store.settle(tx, settled)
        took = {
            one.job.key
            for one in finished
            if one.succeeded and one.job.delivery.type != store.VERIFY
        }
        if took:
            await webhooks.note_success(tx, sorted(took), now)
        for one, after in zip(finished, settled, strict=True):
            await self._let_rest(tx, one, now)
            if after.state == "failed" and one.job.delivery.type != store.VERIFY:
                await self._give_up(tx, one, now)

    async def _let_rest(self, tx: Tx, one: _Finished, now: int) -> None:
        """Tell a receiver nothing for as long as it asked; that of a challenge is told nothing
        anyway.
        """
        asked = 0 if one.succeeded else messages.rest_asked(one.outcome, now)
        if asked and one.job.delivery.type != store.VERIFY:
            await webhooks.rest(tx, one.job.key, url=one.job.url, until=now + asked)

    async def _settled(self, tx: Tx, one: _Finished, now: int) -> Settled:
        """What a delivery is after an attempt."""
        delivery = one.job.delivery
        state, tries, due = "delivered", delivery.tries + 1, now
        if delivery.type == store.VERIFY:
            await webhooks.lock(tx, *one.job.key)
            row = await store.lock(tx, delivery.org, delivery.number)
            if row is None or (row.state, row.due) != ("verifying", delivery.due):
                # Another URL is to be verified by now, and this answer is about the one before.
                return Settled(delivery.org, delivery.number, delivery.due, "failed", tries, now)
            if one.succeeded:
                await self._verified(tx, one.job.key, now)
            else:
                # One that is gone is asked as one that was given up: seldom.
                tries = (
                    max(tries, len(_VERIFY_DELAYS) + 1) if one.outcome.status == _GONE else tries
                )
                state, due = (
                    "verify",
                    now + max(self._verify_delay(tries), messages.rest_asked(one.outcome, now)),
                )
        elif not one.succeeded:
            delays = self._rules.retry_delays
            again = tries <= len(delays) and one.job.event_is_there and one.outcome.status != _GONE
            state = "pending" if again else "failed"
            due = (
                now + max(_jittered(delays[tries - 1]), messages.rest_asked(one.outcome, now))
                if again
                else now
            )
        return Settled(delivery.org, delivery.number, delivery.due, state, tries, due)

    def _verify_delay(self, tries: int) -> int:
        delays = (*_VERIFY_DELAYS, self._rules.verify_again)
        return round(min(delays[min(tries, len(delays)) - 1], self._rules.verify_again) * SECOND)

    async def _verified(self, tx: Tx, key: WebhookKey, now: int) -> None:
        async with telling(tx, key, now):
            degraded = await webhooks.activate(tx, key)
        if degraded is not None:
            await store.revive(tx, key, since=degraded, now=now)
        self._pace.pop(key, None)
        _log.info("webhook_active", org=key[0], webhook=key[1])

    async def _give_up(self, tx: Tx, one: _Finished, now: int) -> None:
        """Degrade a webhook whose receiver is gone, or took nothing since this delivery was
        made.
        """
        org, webhook = key = one.job.key
        if not one.job.event_is_there:
            return
        since = _EVER if one.outcome.status == _GONE else one.job.delivery.created_date
        async with telling(tx, key, now):
            degraded = await webhooks.degrade(tx, key, url=one.job.url, since=since, now=now)
        if not degraded:
            return
        challenge = messages.challenge(org, webhook)
        again = now + round(self._rules.verify_again * SECOND)
        await store.add(tx, [challenge], now=now, due=again, tries=len(_VERIFY_DELAYS))
        _log.warning(
            "webhook_degraded",
            org=org,
            webhook=webhook,
            error=one.outcome.error,
            status=one.outcome.status,
        )

    # Sending

    async def _attempt(self, job: Job) -> None:
        began = self._clock()
        try:
            outcome = await self._send(job, began)
        except Exception as error:  # noqa: BLE001  # a fault of ours is a failed attempt: it is kept, shown and tried again
            _log.exception("attempt_failed", org=job.delivery.org, delivery=job.delivery.number)
            outcome = Outcome(None, b"", f"the server failed: {type(error).__name__}", 0)
        succeeded = messages.accepted(job, outcome)
        self._adapt(job.key, outcome, succeeded=succeeded)
        metrics.ATTEMPTS.labels("delivered" if succeeded else "failed").inc()
        metrics.ATTEMPT_SECONDS.observe(outcome.milliseconds / 1000)
        self._finished.append(_Finished(job, outcome, began, succeeded))
        self._something.set()

    async def _send(self, job: Job, now: int) -> Outcome:
        if not job.event_is_there:
            return Outcome(None, b"", "not sent: its event is older than retention", 0)
        told = messages.body(job)
        secrets = [job.secret]
        if (
            job.secret_before is not None
            and now < (job.secret_changed_date or 0) + OLD_SECRET_LIVES
        ):
            secrets.append(job.secret_before)
        headers = {
            "user-agent": f"Rapport/{__version__}",
            "accept": "*/*",
            "accept-encoding": "identity",
            "content-type": "application/json",
            **{header["name"]: header["value"] for header in msgspec.json.decode(job.headers)},
            **sign(told, event_id=messages.event_id(job), seconds=now // SECOND, secrets=secrets),
        }
        return await self._poster.post(job.url, headers, told, seconds=self._rules.timeout)

    def _adapt(self, key: WebhookKey, outcome: Outcome, *, succeeded: bool) -> None:
        """Let one more attempt be under way after a success, half as many after a refusal, one
        after no answer.
        """
        self._under_way[key] -= 1
        pace = self._pace.get(key, _FIRST_AT_ONCE)
        if succeeded:
            self._pace[key] = min(_MOST_AT_ONCE, pace + 1)
        else:
            self._pace[key] = 1 if outcome.status is None else max(1, pace // 2)


def _told_as(kind: str, action: str, wanted: frozenset[str]) -> str | None:
    """As which event type a change is told, if it is: one that was restored as changed, to who
    wants to know of no more.
    """
    type_ = f"{kind}_{action}"
    if action == "restored" and type_ not in wanted:
        type_ = f"{kind}_updated"
    return type_ if type_ in wanted else None


def _attempt_row(one: _Finished) -> AttemptRow:
    delivery, outcome = one.job.delivery, one.outcome
    answer = outcome.answer[:_KEPT_ANSWER].decode(errors="replace").replace("\0", "\ufffd")
    return AttemptRow(
        org=delivery.org,
        delivery=delivery.number,
        number=delivery.attempts + 1,
        date=one.began,
        duration=outcome.milliseconds,
        http_status=outcome.status,
        answer=answer or None,
        error=outcome.error,
    )


def _jittered(seconds: float) -> int:
    """A delay a tenth shorter to a tenth longer, so that what failed together is not tried
    together.
    """
    return round(seconds * random.uniform(0.9, 1.1) * SECOND) // MILLISECOND * MILLISECOND  # noqa: S311  # no secret

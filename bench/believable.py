"""A believable org of any size as plain data, the same at every run: who is in it, and what was
recorded.

People, accounts and tags are skewed as they are in life (Zipf), and some are rare on purpose,
because the rare ones are what indexes are for. Nothing here knows Rapport: its store and the
baselines' tables are both filled from this.
"""

import bisect
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

SEED = 12345
FIRST_DAY = datetime(2023, 1, 1, 8, tzinfo=UTC)
DAYS = 1_000
# What every org of this bench has, whatever its size.
MEMBERS = 40
TAGS = 30
RARE_ACCOUNTS = 10
OF_A_RARE_ACCOUNT = 3
OF_THE_RARE_AUTHOR = 5
# One engagement in so many is deleted again; one in so many has a comment.
DELETED, COMMENTED = 997, 101
_KINDS = ("call", "email", "default", "offline", "linked_in")
_KIND_WEIGHTS = (40, 35, 15, 7, 3)
_TEXTS = 3_000
_SENTENCES = (
    "They want single sign-on before the rollout, and dates for a session with their new lead.",
    "Budget is approved for next quarter; legal needs the data processing terms.",
    "Asked whether the export can run nightly, and what the import of old records costs.",
    "No decision yet.",
    "Walked through the roadmap: what matters most to them is that nothing gets lost on the way.",
    "Sie möchten das Angebot bis Freitag, mit getrennten Preisen für Betrieb und Schulung.",
    "Der Vertrag läuft im März aus; über eine Verlängerung wird erst nach der Messe gesprochen.",
    "Le client demande une démonstration pour son équipe de Lyon, de préférence lundi ou mardi.",
    "Rappeler après la réunion du comité d’achat.",
    "Quieren probar la importación con sus propios datos antes de firmar.",
    "La reunión se movió al jueves porque su directora está de viaje.",
    "次回の打ち合わせで移行計画を確認したいとのことです。",
    "価格表と導入事例を送付しました。",
    "客户希望在下个季度之前完成试点。",
    "उन्होंने सुरक्षा प्रश्नावली वापस भेज दी है।",
    "طلبوا نسخة من شروط الدعم قبل نهاية الشهر.",
    "Просят прислать акт и договориться о времени звонка.",
    "👍 Great call, follow up with the deck.",
)
_TITLES = (
    "Renewal call", "Re: security questionnaire", "Quarterly review", "Quote sent", "Visit on site", "Erstgespräch",
    "Point hebdomadaire", "Llamada de seguimiento", "打ち合わせ", "Pricing questions", "Onboarding session", "Check-in",
)  # fmt: skip
_COMPANIES = (
    "Northwind",
    "Blue Harbor",
    "Cedar & Finch",
    "Helios",
    "Marlow",
    "Pine Street",
    "Quanta",
    "Riverbend",
)
_TRADES = (
    "Traders",
    "Logistics",
    "Clinics",
    "Robotics",
    "Bakery",
    "Learning",
    "Travel",
    "Insurance",
    "Werke",
    "商事",
)
_NAMES = (
    "Ana",
    "Ben",
    "Chidi",
    "Dana",
    "Elena",
    "Farid",
    "Grace",
    "Hugo",
    "Inès",
    "Jürgen",
    "Kavya",
    "Léo",
    "美咲",
)
_SURNAMES = (
    "Duarte",
    "Whitfield",
    "Nwosu",
    "Petrov",
    "Rossi",
    "Haddad",
    "Lin",
    "Meyer",
    "Carvalho",
    "Nair",
    "佐藤",
)


class Engagement(NamedTuple):
    """One touch with a customer. Everything it names is a number from 1 of its kind; dates are
    aware.
    """

    number: int
    title: str
    kind: str
    description: str
    author: int
    customers: tuple[int, ...]
    account: int
    deal: int | None
    tags: tuple[int, ...]
    created: datetime
    scheduled: datetime

    @property
    def external_ref(self) -> str:
        """Where it is in the system that it comes from."""
        return f"crm-{self.number}"


@dataclass(frozen=True)
class World:
    """An org with so many engagements. Kinds are numbered from 1, by how common they are, the
    rare ones last.
    """

    rows: int

    @property
    def accounts(self) -> int:
        """How many accounts there are, rare ones included."""
        return min(20_000, max(60, self.rows // 100))

    @property
    def customers(self) -> int:
        """How many people the org's accounts have."""
        return self.accounts * 2

    @property
    def deals(self) -> int:
        """How many opportunities there are."""
        return self.accounts // 4

    @property
    def rare_account(self) -> int:
        """An account with exactly `OF_A_RARE_ACCOUNT` engagements, as all after it have."""
        return self.accounts - RARE_ACCOUNTS + 1

    @property
    def rare_author(self) -> int:
        """A member who recorded exactly `OF_THE_RARE_AUTHOR` engagements."""
        return MEMBERS

    @property
    def unused_tag(self) -> int:
        """A tag that nothing has."""
        return TAGS

    @property
    def apart(self) -> tuple[int, int]:
        """An author and a tag, both common, that no engagement has together."""
        return 2, 2

    def account_of(self, customer: int) -> int:
        """Whose customer it is."""
        return (customer + 1) // 2

    def account_of_deal(self, deal: int) -> int:
        """Whose opportunity it is."""
        return deal

    def engagements(self) -> Iterator[Engagement]:
        """All of them, the oldest first."""
        return _Recorder(self).all()


def company(number: int) -> str:
    """An account's name."""
    return f"{_COMPANIES[number % len(_COMPANIES)]} {_TRADES[number // 8 % len(_TRADES)]} {number}"


def person(number: int) -> str:
    """A person's name."""
    return f"{_NAMES[number % len(_NAMES)]} {_SURNAMES[number // 13 % len(_SURNAMES)]}"


class _Zipf:
    """Draws numbers from 1 to `count`, the n-th with a weight of 1 / n."""

    def __init__(self, dice: random.Random, count: int) -> None:
        self._dice = dice
        self._sums = list(itertools.accumulate(1 / rank for rank in range(1, count + 1)))

    def draw(self) -> int:
        return bisect.bisect_left(self._sums, self._dice.random() * self._sums[-1]) + 1


class _Recorder:
    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = random.Random(SEED)
        self._author = _Zipf(self._dice, MEMBERS - 1)
        self._account = _Zipf(self._dice, world.accounts - RARE_ACCOUNTS)
        self._tag = _Zipf(self._dice, TAGS - 1)
        self._texts = [self._text() for _ in range(_TEXTS)]
        self._rare_accounts = self._spread(RARE_ACCOUNTS * OF_A_RARE_ACCOUNT, at=0.5)
        self._by_rare_author = set(self._spread(OF_THE_RARE_AUTHOR, at=0.3))

    def _text(self) -> str:
        """From nothing over a few sentences, as a rule, to a few thousand characters."""
        length = int(self._dice.lognormvariate(1.0, 0.8))
        return " ".join(self._dice.choice(_SENTENCES) for _ in range(length))

    def _spread(self, count: int, *, at: float) -> dict[int, int]:
        """So many numbers of engagements, evenly spread and never one that is deleted, and
        which each of them is.
        """
        step = self._world.rows / count
        numbers = (int((place + at) * step) + 1 for place in range(count))
        return {number + (number % DELETED == 0): place for place, number in enumerate(numbers)}

    def all(self) -> Iterator[Engagement]:
        step = timedelta(days=DAYS) / self._world.rows
        for number in range(1, self._world.rows + 1):
            yield self._one(number, FIRST_DAY + number * step)

    def _one(self, number: int, created: datetime) -> Engagement:
        dice, world = self._dice, self._world
        author = world.rare_author if number in self._by_rare_author else self._author.draw()
        account = self._account.draw()
        if (rare := self._rare_accounts.get(number)) is not None:
            account = world.rare_account + rare % RARE_ACCOUNTS
        customers = (
            (2 * account - 1, 2 * account)
            if dice.random() < 0.3
            else (2 * account - int(dice.random() < 0.4),)
        )
        return Engagement(
            number=number,
            title=f"{dice.choice(_TITLES)} {company(account)}",
            kind=dice.choices(_KINDS, _KIND_WEIGHTS)[0],
            description=self._texts[int(dice.random() * _TEXTS)],
            author=author,
            customers=customers,
            account=account,
            deal=account if account <= world.deals and dice.random() < 0.3 else None,
            tags=self._tags(author),
            created=created.replace(microsecond=created.microsecond // 1000 * 1000),
            scheduled=created.replace(microsecond=0)
            + timedelta(minutes=int(dice.gauss(0, 1) * 10_000)),
        )

    def _tags(self, author: int) -> tuple[int, ...]:
        drawn = {self._tag.draw() for _ in range(int(self._dice.random() * 3))}
        lonely, tag = self._world.apart
        return tuple(drawn - {tag} if author == lonely else drawn)


def create_bodies(world: World, count: int) -> list[dict[str, Any]]:
    """What a client sends to record engagements such as the world's; `external_ref` is left to
    the caller.
    """
    return [_body(engagement) for engagement in itertools.islice(world.engagements(), count)]


def _body(engagement: Engagement) -> dict[str, Any]:
    deal = [] if engagement.deal is None else [f"OPP-{engagement.deal}"]
    return {
        "members": [
            f"DEVU-{engagement.author}",
            *(f"REVU-{number}" for number in engagement.customers),
        ],
        "parents": [f"ACC-{engagement.account}", *deal],
        "tags": [{"id": f"TAG-{number}"} for number in engagement.tags],
        "title": engagement.title,
        "engagement_type": engagement.kind,
        "description": engagement.description,
        "scheduled_date": engagement.scheduled.isoformat(timespec="milliseconds").replace(
            "+00:00", "Z"
        ),
    }


def chunks(engagements: Iterator[Engagement], size: int) -> Iterator[Sequence[Engagement]]:
    """So many at a time."""
    while chunk := list(itertools.islice(engagements, size)):
        yield chunk

"""The demo: an org in which the documentation's own example works word for word, with a
believable year behind it.
"""

import random
from collections.abc import AsyncIterator
from typing import Any

from rapport.auth.caller import Caller
from rapport.blobs import Blobs
from rapport.clock import DAY, SECOND, Clock
from rapport.contract import engagements as contract
from rapport.contract.kit import ids
from rapport.contract.kit.fields import UNSET, Instant, SetTagWithValue
from rapport.contract.links import LinksCreateRequest
from rapport.contract.meetings import Channel, MeetingsCreateRequest, State
from rapport.contract.service_accounts import ServiceAccountsCreateRequest
from rapport.contract.tags import TagsCreateRequest, TagStyle
from rapport.operations import accounts, dev_users, links, rev_users, service_accounts, tags, works
from rapport.operations.admin import FIRST_ORG, make_org
from rapport.operations.engagements.create import create as create_engagements
from rapport.operations.kit.context import Call, Context
from rapport.operations.meetings.create import create as create_meeting
from rapport.store import artifacts
from rapport.store import dev_orgs as orgs
from rapport.store.accounts import AccountRow
from rapport.store.artifacts import ArtifactRow, Uploaded, VersionKey
from rapport.store.kit import numbers
from rapport.store.kit.db import Store, Tx, alone
from rapport.store.works import OpportunityDocument

ORG = "DEMO2ORG77"
# The number in the documentation's examples: DEVU-12345, ACC-12345, TAG-12345, ARTIFACT-12345,
# SVCACC-12345.
NUMBER = 12345
# A file; a second try after a crash writes the same bytes under the same name.
_SECONDS = 60.0
_FILE_NAME = "kick-off-notes.txt"
_FILE = (
    b"Kick-off, notes\n\n- single sign-on before the rollout\n- nightly export\n"
    b"- next call in two weeks\n"
)
_BLOB = f"{NUMBER:032x}"
_ENGAGEMENTS = 420
# How often an engagement has notes, and belongs to an opportunity as well.
_WITH_NOTES = 0.8
_WITH_OPPORTUNITY = 0.3
_MEETINGS = 36
# Of an hour.
_QUARTER = 15 * 60 * SECOND
_PEOPLE = ("Mira Okafor", "Jonas Lindqvist", "Priya Raman", "Tomás Herrera", "Aiko Tanaka")
_ACCOUNTS = (
    ("Northwind Traders", "northwind.example", "enterprise"),
    ("Blue Harbor Logistics", "blueharbor.example", "enterprise"),
    ("Cedar & Finch", "cedarfinch.example", "growth"),
    ("Helios Clinics", "heliosclinics.example", "enterprise"),
    ("Marlow Robotics", "marlowrobotics.example", "growth"),
    ("Pine Street Bakery", "pinestreet.example", "starter"),
    ("Quanta Learning", "quantalearning.example", "growth"),
    ("Riverbend Credit Union", "riverbendcu.example", "enterprise"),
    ("Solstice Travel", "solsticetravel.example", "starter"),
    ("Tern Insurance", "terninsurance.example", "growth"),
)
_CUSTOMERS = (
    "Ana Duarte", "Ben Whitfield", "Chidi Nwosu", "Dana Petrov", "Elena Rossi", "Farid Haddad",
    "Grace Lin", "Hugo Meyer", "Ines Carvalho", "Jack Murray", "Kavya Nair", "Leo Fontaine",
    "Maya Cohen", "Noor Aziz", "Oskar Nilsen", "Paula Gomez", "Quinn Harper", "Rosa Bianchi",
    "Samir Khan", "Tess Vermeer",
)  # fmt: skip
_TITLES: dict[contract.EngagementType, tuple[str, ...]] = {
    "call": (
        "Discovery call with {who}",
        "Renewal call with {who}",
        "Pricing questions from {who}",
        "Check-in: {account}",
    ),
    "email": (
        "Re: security questionnaire",
        "Follow-up on the pilot with {account}",
        "Quote sent to {who}",
    ),
    "linked_in": ("{who} replied on LinkedIn", "Introduced to {who} by a partner"),
    "offline": ("Visit to {account}", "Lunch with {who} at the spring summit"),
    "default": (
        "Quarterly review with {account}",
        "Onboarding session {account}",
        "Demo for {account}",
    ),
}
_MEETING_TITLES = (
    "Quarterly business review: {account}",
    "Rollout planning with {account}",
    "Steering committee {account}",
)
_CHANNELS: tuple[Channel, ...] = ("zoom", "google_meet", "teams", "offline")
_TAGS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("key-account", "#7c3aed", ()),
    ("sentiment", "#059669", ("positive", "neutral", "negative")),
    ("topic", "#d97706", ("pricing", "security", "onboarding", "roadmap")),
)
_NOTES = (
    "They want single sign-on before the rollout. Send the guide and two dates for a session.",
    "Happy with support times. Asked whether the export can run nightly.",
    "Budget is approved for next quarter; legal needs the data processing terms.",
    "No decision yet. Their new operations lead starts next month.",
    "Walked through the roadmap. The import of old records is what matters most to them.",
)


async def fill(store: Store, blobs: Blobs, clock: Clock) -> dict[str, Any] | None:
    """Fill an empty store, in one transaction; the answer is that of `make_org`, or None when
    it is not empty.
    """
    stored = await blobs.put(ORG, _BLOB, _content())

    async def work(tx: Tx) -> dict[str, Any] | None:
        await tx.hold([FIRST_ORG])
        if await orgs.all_orgs(tx):
            return None
        made = await make_org(
            tx, clock(), name="Demo", email="alex@demo.example", org=ORG, number=NUMBER
        )
        await _Filler(tx, clock()).fill(Uploaded(_BLOB, "text/plain", "text/plain", *stored))
        return made

    return await alone(store, work, seconds=_SECONDS)


async def _content() -> AsyncIterator[bytes]:
    yield _FILE


def _first_name(name: str) -> str:
    return name.partition(" ")[0].lower().replace("á", "a")


class _Filler:
    def __init__(self, tx: Tx, now: int) -> None:
        self._tx = tx
        self._now = now
        self._start = now - 365 * DAY
        self._dice = random.Random(NUMBER)  # noqa: S311  # a demo is the same every time
        self._caller = Caller(ORG, ids.DEV_USER.display_id(NUMBER), "admin")
        self._members = [self._caller.user_id]
        self._people: dict[int, list[tuple[str, str]]] = {}
        self._opportunities: dict[int, str] = {}

    async def fill(self, uploaded: Uploaded) -> None:
        """Add everything, the oldest first."""
        for name in _PEOPLE:
            await self._add_member(name)
        chosen = await self._add_tags()
        await numbers.reserve(self._tx, ids.ACCOUNT, ORG, NUMBER)
        for position, (name, domain, tier) in enumerate(_ACCOUNTS):
            await self._add_account(position, name, domain, tier)
        await self._add_link_and_program()
        await self._add_artifact(uploaded)
        await self._add_engagements(chosen)
        await self._add_meetings()

    async def _add_member(self, name: str) -> None:
        user = await dev_users.add(
            self._tx,
            org=ORG,
            email=f"{_first_name(name)}@demo.example",
            full_name=name,
            display_name=None,
            state="active",
            role="member",
            by=self._caller.user_id,
            now=self._start,
        )
        self._members.append(user.display_id)

    async def _add_tags(self) -> list[tuple[str, tuple[str, ...]]]:
        await numbers.reserve(self._tx, ids.TAG, ORG, NUMBER - 1)
        chosen: list[tuple[str, tuple[str, ...]]] = []
        for name, color, values in _TAGS:
            request = TagsCreateRequest(
                name=name,
                style_new=TagStyle(color=color),
                allowed_values=list(values) if values else UNSET,
            )
            tag = (await tags.create(Context(self._caller, self._start, self._tx), request)).tag
            chosen.append((tag.display_id, values))
        return chosen

    async def _add_account(self, position: int, name: str, domain: str, tier: str) -> None:
        owner = self._members[position % len(self._members)]
        document = accounts.Document(
            domains=[domain], owned_by=[owner], websites=[f"https://{domain}"]
        )
        account, rev_org = await accounts.add(
            self._tx,
            org=ORG,
            display_name=name,
            tier=tier,
            document=document,
            by=owner,
            now=self._start + position * DAY,
            number=NUMBER if position == 0 else None,
        )
        for customer in _CUSTOMERS[position * 2 : position * 2 + 2]:
            user = await rev_users.add(
                self._tx,
                org=ORG,
                display_name=customer,
                email=f"{_first_name(customer)}@{domain}",
                external_ref=None,
                rev_org=ids.REV_ORG.display_id(rev_org.number),
                by=owner,
                document=rev_users.Document(),
                now=account.created_date,
            )
            self._people.setdefault(account.number, []).append((user.display_id, customer))
        if position % 2 == 0:
            await self._add_opportunity(position, account, owner)

    async def _add_opportunity(self, position: int, account: AccountRow, owner: str) -> None:
        value = {"amount": "24000", "currency": "USD"}
        work = await works.add(
            self._tx,
            org=ORG,
            title=f"{account.display_name}: expansion",
            account=account.number,
            external_ref=None,
            target_close_date=self._now + (30 + position) * DAY,
            by=owner,
            now=account.created_date + 20 * DAY,
            document=OpportunityDocument(owned_by=[owner], part="PROD-1", value=value),
        )
        self._opportunities[account.number] = ids.OPPORTUNITY.display_id(work.number)

    async def _add_link_and_program(self) -> None:
        ctx = Context(self._caller, self._start, self._tx)
        deal, account = (
            ids.LinkEndpointId.parse(text)
            for text in (ids.OPPORTUNITY.display_id(1), ids.ACCOUNT.display_id(NUMBER))
        )
        await links.create(
            ctx, LinksCreateRequest(link_type="is_related_to", source=deal, target=account)
        )
        await numbers.reserve(self._tx, ids.SERVICE_ACCOUNT, ORG, NUMBER - 1)
        await service_accounts.create(
            ctx, ServiceAccountsCreateRequest(display_name="Calendar import")
        )

    async def _add_artifact(self, uploaded: Uploaded) -> None:
        await numbers.reserve(self._tx, ids.ARTIFACT, ORG, NUMBER)
        by = self._caller.user_id
        row = ArtifactRow(
            org=ORG,
            number=NUMBER,
            parent=None,
            file_name=_FILE_NAME,
            file_type=None,
            size=None,
            declared_type="text/plain",
            configuration_set=None,
            current_version=None,
            last_version=0,
            created_by=by,
            created_date=self._start,
            modified_by=by,
            modified_date=self._start,
        )
        key = VersionKey(ORG, NUMBER, 1)
        await artifacts.insert(self._tx, row)
        await artifacts.add_version(self._tx, key, by, self._start)
        await artifacts.begin_upload(self._tx, key, uploaded.blob, self._now)
        await artifacts.finish_upload(self._tx, key, uploaded, self._start)

    async def _add_engagements(self, chosen: list[tuple[str, tuple[str, ...]]]) -> None:
        moments = sorted(self._dice.randrange(30 * DAY, 365 * DAY) for _ in range(_ENGAGEMENTS))
        calls = [
            self._engagement(self._start + moment // SECOND * SECOND, chosen) for moment in moments
        ]
        # The first is the one that the reference's examples ask for.
        calls[0].request.artifacts = [ids.ArtifactId.parse(ids.ARTIFACT.display_id(NUMBER))]
        for result in await create_engagements(self._tx, calls):
            if isinstance(result, Exception):
                raise result

    def _engagement(
        self, moment: int, chosen: list[tuple[str, tuple[str, ...]]]
    ) -> Call[contract.EngagementsCreateRequest]:
        dice = self._dice
        number = dice.choice([*self._people, NUMBER, NUMBER])
        customer, who = dice.choice(self._people[number])
        account = _ACCOUNTS[number - NUMBER][0]
        kind = dice.choices(list(_TITLES), weights=[5, 6, 2, 2, 3])[0]
        member = dice.choice(self._members)
        parents = [ids.ACCOUNT.display_id(number)]
        if number in self._opportunities and dice.random() < _WITH_OPPORTUNITY:
            parents.append(self._opportunities[number])
        marked = []
        for tag, values in chosen:
            if dice.random() < (0.5 if values else 0.15):
                value = dice.choice(values) if values else UNSET
                marked.append(SetTagWithValue(id=ids.TagId.parse(tag), value=value))
        request = contract.EngagementsCreateRequest(
            title=dice.choice(_TITLES[kind]).format(who=who, account=account),
            engagement_type=kind,
            scheduled_date=Instant(moment),
            description=dice.choice(_NOTES) if dice.random() < _WITH_NOTES else UNSET,
            members=[ids.UserId.parse(member), ids.UserId.parse(customer)],
            parents=[ids.ParentId.parse(parent) for parent in parents],
            tags=marked or UNSET,
        )
        return Call(Caller(ORG, member, "member"), moment, request)

    async def _add_meetings(self) -> None:
        # The last of them are planned a few weeks ahead.
        moments = sorted(self._dice.randrange(30 * DAY, 385 * DAY) for _ in range(_MEETINGS))
        for moment in moments:
            begins = self._start + moment // _QUARTER * _QUARTER
            await create_meeting(*self._meeting(begins))

    def _meeting(self, begins: int) -> tuple[Context, MeetingsCreateRequest]:
        dice = self._dice
        number = dice.choice([*self._people, NUMBER])
        organizer = dice.choice(self._members)
        members = [organizer, *(customer for customer, _ in self._people[number])]
        title = dice.choice(_MEETING_TITLES).format(account=_ACCOUNTS[number - NUMBER][0])
        state: State = "scheduled" if begins > self._now else "completed"
        request = MeetingsCreateRequest(
            title=title,
            channel=dice.choice(_CHANNELS),
            state=state,
            members=[ids.UserId.parse(member) for member in members],
            organizer=ids.UserId.parse(organizer),
            parent=ids.ParentId.parse(ids.ACCOUNT.display_id(number)),
            scheduled_date=Instant(begins),
            ended_date=Instant(begins + 3 * _QUARTER) if state == "completed" else UNSET,
            description=dice.choice(_NOTES) if state == "completed" else UNSET,
        )
        planned = min(begins - 14 * DAY, self._now)
        return Context(Caller(ORG, organizer, "member"), planned, self._tx), request

"""The usual way: FastAPI with response models, SQLAlchemy's async ORM on asyncpg, relationships
loaded by page.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, DateTime, ForeignKey, Select, Table, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:"), pool_size=10
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """All tables."""


def _link(table: str, column: str, target: str) -> Table:
    return Table(
        table,
        Base.metadata,
        Column("engagement_id", ForeignKey("engagements.id"), primary_key=True),
        Column(column, ForeignKey(target), primary_key=True),
    )


members = _link("engagement_members", "user_id", "users.id")
accounts = _link("engagement_accounts", "account_id", "accounts.id")
deals = _link("engagement_deals", "deal_id", "deals.id")
tags = _link("engagement_tags", "tag_id", "tags.id")


class User(Base):
    """A person."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    display_id: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]


class Token(Base):
    """What somebody signs in with."""

    __tablename__ = "tokens"
    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    expires: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Account(Base):
    """A customer."""

    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Deal(Base):
    """An opportunity."""

    __tablename__ = "deals"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))


class Tag(Base):
    """A tag."""

    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Engagement(Base):
    """An engagement."""

    __tablename__ = "engagements"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    engagement_type: Mapped[str]
    description: Mapped[str]
    external_ref: Mapped[str | None]
    scheduled_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    modified_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[User] = relationship()
    members: Mapped[list[User]] = relationship(secondary=members)
    accounts: Mapped[list[Account]] = relationship(secondary=accounts)
    deals: Mapped[list[Deal]] = relationship(secondary=deals)
    tags: Mapped[list[Tag]] = relationship(secondary=tags)


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class UserOut(_Out):
    """A person in an answer."""

    id: Annotated[str, Field(validation_alias="display_id")]
    name: str
    email: str


class Named(_Out):
    """An account or a tag in an answer."""

    id: int
    name: str


class DealOut(_Out):
    """An opportunity in an answer."""

    id: int
    title: str


class EngagementOut(_Out):
    """An engagement in an answer."""

    id: int
    title: str
    engagement_type: str
    description: str
    external_ref: str | None
    scheduled_date: datetime
    created_date: datetime
    modified_date: datetime
    created_by: UserOut
    members: list[UserOut]
    accounts: list[Named]
    deals: list[DealOut]
    tags: list[Named]


class Page(BaseModel):
    """A page."""

    engagements: list[EngagementOut]


class TagRef(BaseModel):
    """A tag by id."""

    id: str


class NewEngagement(BaseModel):
    """What a client sends."""

    title: Annotated[str, Field(min_length=1, max_length=256)]
    engagement_type: str = "default"
    description: Annotated[str, Field(max_length=65_536)] = ""
    external_ref: str | None = None
    scheduled_date: datetime
    members: Annotated[list[str], Field(min_length=1, max_length=50)]
    parents: list[str] = []
    tags: list[TagRef] = []


async def _session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(_session)]


async def _caller(session: Session, authorization: Annotated[str, Header()]) -> User:
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    found = await session.scalar(
        select(User)
        .join(Token, Token.user_id == User.id)
        .where(Token.digest == digest, Token.expires > func.now())
    )
    if found is None:
        raise HTTPException(401, "unknown token")
    return found


Caller = Annotated[User, Depends(_caller)]
app = FastAPI()
_LOADED = [
    selectinload(getattr(Engagement, name))
    for name in ("created_by", "members", "accounts", "deals", "tags")
]
_FILTERS: dict[str, Any] = {
    "account": lambda value: Engagement.accounts.any(Account.id == _number(value)),
    "member": lambda value: Engagement.members.any(User.display_id == value),
    "tag": lambda value: Engagement.tags.any(Tag.id == _number(value)),
    "author": lambda value: Engagement.created_by.has(User.display_id == value),
    "type": lambda value: Engagement.engagement_type == value,
    "external_ref": lambda value: Engagement.external_ref == value,
}


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Nothing."""
    return {"status": "ok"}


@app.post("/engagements", status_code=201, response_model=EngagementOut)
async def create(new: NewEngagement, session: Session, caller: Caller) -> Engagement:
    """Record one."""
    now = datetime.now(UTC)
    wanted_accounts = [_number(id_) for id_ in new.parents if id_.startswith("ACC")]
    wanted_deals = [_number(id_) for id_ in new.parents if id_.startswith("OPP")]
    engagement = Engagement(
        title=new.title,
        engagement_type=new.engagement_type,
        description=new.description,
        external_ref=new.external_ref,
        scheduled_date=new.scheduled_date,
        created_by=caller,
        created_date=now,
        modified_date=now,
        members=await _known(session, User, User.display_id, new.members),
        accounts=await _known(session, Account, Account.id, wanted_accounts),
        deals=await _known(session, Deal, Deal.id, wanted_deals),
        tags=await _known(session, Tag, Tag.id, [_number(tag.id) for tag in new.tags]),
    )
    session.add(engagement)
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(409, "external_ref is in use") from None
    return engagement


@app.get("/engagements/count")
async def count(session: Session, _: Caller, request: Request) -> dict[str, int]:
    """How many match."""
    found = await session.scalar(_matching(select(func.count()).select_from(Engagement), request))
    return {"count": found or 0}


@app.get("/engagements/{number}", response_model=EngagementOut)
async def get(number: int, session: Session, _: Caller) -> Engagement:
    """One."""
    found = await session.get(Engagement, number, options=_LOADED)
    if found is None:
        raise HTTPException(404, "there is none")
    return found


@app.get("/engagements", response_model=Page)
async def list_(
    session: Session, _: Caller, request: Request, limit: int = 50
) -> dict[str, Sequence[Engagement]]:
    """A page."""
    order = [
        request.query_params[name] for name in ("sort", "then") if name in request.query_params
    ]
    asked = _matching(select(Engagement), request).options(*_LOADED).limit(limit)
    for sort in order or ["-created_date"]:
        column = getattr(Engagement, sort.removeprefix("-"))
        asked = asked.order_by(column.desc() if sort.startswith("-") else column)
    return {"engagements": (await session.scalars(asked)).all()}


def _matching(asked: Select[Any], request: Request) -> Select[Any]:
    for name, condition in _FILTERS.items():
        if (value := request.query_params.get(name)) is not None:
            asked = asked.where(condition(value))
    return asked


async def _known(session: AsyncSession, model: Any, column: Any, wanted: list[Any]) -> list[Any]:
    """Everything that is wanted."""
    if not wanted:
        return []
    found = list(await session.scalars(select(model).where(column.in_(wanted))))
    if len(found) != len(set(wanted)):
        raise HTTPException(400, f"not all of these are known: {wanted}")
    return found


def _number(id_: str) -> int:
    return int(id_.partition("-")[2])

"""A plain service by hand: FastAPI for the requests, asyncpg and SQL for the rest, one
transaction a request.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel, Field

_EXPANDED = """
    SELECT json_build_object(
        'id', e.id, 'title', e.title, 'engagement_type', e.engagement_type, 'description', e.description,
        'external_ref', e.external_ref, 'scheduled_date', e.scheduled_date, 'created_date', e.created_date,
        'modified_date', e.modified_date,
        'created_by', json_build_object('id', c.display_id, 'name', c.name, 'email', c.email),
        'members', (SELECT coalesce(json_agg(json_build_object('id', u.display_id, 'name', u.name,
                                                               'email', u.email)
                                             ORDER BY m.id), '[]')
                    FROM engagement_members m JOIN users u ON u.id = m.user_id
                    WHERE m.engagement_id = e.id),
        'accounts', (SELECT coalesce(json_agg(json_build_object('id', a.id, 'name', a.name)
        ORDER BY l.id), '[]')
                     FROM engagement_accounts l JOIN accounts a ON a.id = l.account_id
                     WHERE l.engagement_id = e.id),
        'deals', (SELECT coalesce(json_agg(json_build_object('id', d.id, 'title', d.title)
        ORDER BY l.id), '[]')
                  FROM engagement_deals l JOIN deals d ON d.id = l.deal_id
                  WHERE l.engagement_id = e.id),
        'tags', (SELECT coalesce(json_agg(json_build_object('id', t.id, 'name', t.name)
        ORDER BY l.id), '[]')
                 FROM engagement_tags l JOIN tags t ON t.id = l.tag_id
                 WHERE l.engagement_id = e.id))::text
    FROM engagements e JOIN users c ON c.id = e.created_by_id
"""
_FILTERS = {
    "account": "EXISTS (SELECT 1 FROM engagement_accounts l WHERE l.engagement_id = e.id AND l.account_id = {})",
    "member": """EXISTS (SELECT 1 FROM engagement_members l WHERE l.engagement_id = e.id
                         AND l.user_id = (SELECT id FROM users WHERE display_id = {}))""",
    "tag": "EXISTS (SELECT 1 FROM engagement_tags l WHERE l.engagement_id = e.id AND l.tag_id = {})",
    "author": "e.created_by_id = (SELECT id FROM users WHERE display_id = {})",
    "type": "e.engagement_type = {}",
    "external_ref": "e.external_ref = {}",
}
_SORTS = {
    "title": "e.title",
    "scheduled_date": "e.scheduled_date",
    "created_date": "e.created_date",
}


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


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=10)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=_lifespan)


async def _connection(request: Request) -> AsyncIterator[asyncpg.Connection]:
    async with request.app.state.pool.acquire() as connection:
        yield connection


Connection = Annotated[asyncpg.Connection, Depends(_connection)]


async def _user(connection: Connection, authorization: Annotated[str, Header()]) -> int:
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    user = await connection.fetchval(
        "SELECT user_id FROM tokens WHERE digest = $1 AND expires > now()", digest
    )
    if user is None:
        raise HTTPException(401, "unknown token")
    return user  # type: ignore[no-any-return]


User = Annotated[int, Depends(_user)]


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Nothing."""
    return {"status": "ok"}


@app.post("/engagements", status_code=201)
async def create(new: NewEngagement, connection: Connection, user: User) -> Response:
    """Record one."""
    async with connection.transaction():
        members = await _known(
            connection, "SELECT id FROM users WHERE display_id = ANY($1)", new.members
        )
        accounts = await _known(
            connection, "SELECT id FROM accounts WHERE id = ANY($1)", _numbers(new.parents, "ACC")
        )
        deals = await _known(
            connection, "SELECT id FROM deals WHERE id = ANY($1)", _numbers(new.parents, "OPP")
        )
        tags = await _known(
            connection,
            "SELECT id FROM tags WHERE id = ANY($1)",
            _numbers([tag.id for tag in new.tags], "TAG"),
        )
        try:
            number = await connection.fetchval(
                """
                INSERT INTO engagements (title, engagement_type, description, external_ref,
                                         scheduled_date,
                                         created_by_id)
                VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
                """,
                new.title,
                new.engagement_type,
                new.description,
                new.external_ref,
                new.scheduled_date,
                user,
            )
        except asyncpg.UniqueViolationError:
            raise HTTPException(409, "external_ref is in use") from None
        for table, column, found in (
            ("members", "user_id", members),
            ("accounts", "account_id", accounts),
            ("deals", "deal_id", deals),
            ("tags", "tag_id", tags),
        ):
            if found:
                await connection.execute(
                    f"INSERT INTO engagement_{table} (engagement_id, {column}) "
                    "SELECT $1, unnest($2::bigint[])",
                    number,
                    found,
                )
    return _json(await connection.fetchval(f"{_EXPANDED} WHERE e.id = $1", number), 201)


@app.get("/engagements/count")
async def count(connection: Connection, _: User, request: Request) -> dict[str, int]:
    """How many match."""
    where, values = _where(request)
    return {
        "count": await connection.fetchval(
            f"SELECT count(*) FROM engagements e WHERE {where}", *values
        )
    }


@app.get("/engagements/{number}")
async def get(number: int, connection: Connection, _: User) -> Response:
    """One."""
    found = await connection.fetchval(f"{_EXPANDED} WHERE e.id = $1", number)
    if found is None:
        raise HTTPException(404, "there is none")
    return _json(found, 200)


@app.get("/engagements")
async def list_(connection: Connection, _: User, request: Request, limit: int = 50) -> Response:
    """A page."""
    where, values = _where(request)
    order = [
        _order(request.query_params[name])
        for name in ("sort", "then")
        if name in request.query_params
    ]
    order = order or ["e.created_date DESC"]
    rows = await connection.fetch(
        f"{_EXPANDED} WHERE {where} ORDER BY {', '.join(order)}, e.id "
        f"{order[-1].rpartition(' ')[2]} LIMIT {limit:d}",
        *values,
    )
    return _json(f'{{"engagements":[{",".join(row[0] for row in rows)}]}}', 200)


async def _known(connection: asyncpg.Connection, sql: str, wanted: list[Any]) -> list[int]:
    """Ids of what is wanted, all of it."""
    if not wanted:
        return []
    found = [row[0] for row in await connection.fetch(sql, wanted)]
    if len(found) != len(set(wanted)):
        raise HTTPException(400, f"not all of these are known: {wanted}")
    return found


def _numbers(ids: list[str], kind: str) -> list[int]:
    return [int(id_.partition("-")[2]) for id_ in ids if id_.startswith(kind)]


def _where(request: Request) -> tuple[str, list[Any]]:
    conditions, values = ["true"], []
    for name, condition in _FILTERS.items():
        if (value := request.query_params.get(name)) is not None:
            values.append(int(value.partition("-")[2]) if name in {"account", "tag"} else value)
            conditions.append(condition.format(f"${len(values)}"))
    return " AND ".join(conditions), values


def _order(sort: str) -> str:
    return f"{_SORTS[sort.removeprefix('-')]} {'DESC' if sort.startswith('-') else 'ASC'}"


def _json(text: str, status: int) -> Response:
    return Response(text, status, media_type="application/json")

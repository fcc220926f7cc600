"""Work that one process of many does from time to time. Moments are microseconds since 1970."""

from typing import NamedTuple

from rapport.store.kit.db import Tx

# What the schedule of backups is called.
BACKUP = "backup"


class Course(NamedTuple):
    """How it has gone so far: when the last run began that went well, when the last one ended that
    did not, and why. None stands for never.
    """

    succeeded: int | None = None
    failed: int | None = None
    problem: str | None = None

    @property
    def is_failing(self) -> bool:
        """Whether the last run went wrong."""
        return self.failed is not None and self.failed > (self.succeeded or 0)


async def course(tx: Tx, name: str) -> Course:
    """How it has gone."""
    row = await tx.one(
        "SELECT succeeded, failed, problem FROM schedules WHERE name = :name", name=name
    )
    return Course(*row) if row else Course()


async def lock(tx: Tx, name: str, *, now: int) -> Course | None:
    """How it has gone, and nobody else takes it until this transaction ends; None where somebody
    has it.
    """
    await tx.run("INSERT INTO schedules (name) VALUES (:name) ON CONFLICT DO NOTHING", name=name)
    row = await tx.one(
        """
        SELECT succeeded, failed, problem FROM schedules
        WHERE name = :name AND COALESCE(held_until, 0) <= :now FOR UPDATE
        """,
        name=name,
        now=now,
    )
    return Course(*row) if row else None


async def hold(tx: Tx, name: str, holder: str, *, until: int) -> None:
    """Take it, after `lock`, or have it for longer."""
    await tx.run(
        "UPDATE schedules SET holder = :holder, held_until = :until WHERE name = :name",
        name=name,
        holder=holder,
        until=until,
    )


async def keep(tx: Tx, name: str, holder: str, *, until: int) -> bool:
    """Have it for longer; False where somebody else has taken it."""
    return bool(
        await tx.run(
            """
            UPDATE schedules SET held_until = :until WHERE name = :name AND holder = :holder
            """,
            name=name,
            holder=holder,
            until=until,
        )
    )


async def succeed(tx: Tx, name: str, holder: str, *, began: int) -> None:
    """Note that a run went well, and let go of it."""
    await tx.run(
        """
        UPDATE schedules SET holder = NULL, held_until = NULL, succeeded = :began
        WHERE name = :name AND holder = :holder
        """,
        name=name,
        holder=holder,
        began=began,
    )


async def fail(tx: Tx, name: str, holder: str, *, ended: int, problem: str) -> None:
    """Note that a run went wrong, and let go of it."""
    await tx.run(
        """
        UPDATE schedules SET holder = NULL, held_until = NULL, failed = :ended, problem = :problem
        WHERE name = :name AND holder = :holder
        """,
        name=name,
        holder=holder,
        ended=ended,
        problem=problem,
    )


async def release(tx: Tx, name: str, holder: str) -> None:
    """Let go of it before it was done."""
    await tx.run(
        """
        UPDATE schedules SET holder = NULL, held_until = NULL
        WHERE name = :name AND holder = :holder
        """,
        name=name,
        holder=holder,
    )

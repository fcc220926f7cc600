"""Numbers in blocks per process, for an engine that many processes write at once.

A counter's row that were held to each commit would make all writers wait for one another. So a
process takes a block of numbers in a transaction of its own and hands them out from memory. What is
left when it ends is a gap.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

# A block that lasted less than this many seconds is followed by one of twice the size; another
# starts small again.
_SHORT = 10.0
_MOST = 1_024


@dataclass(slots=True)
class _Block:
    """The numbers from `next` up to and without `stop`, and how many were taken last, and when."""

    next: int = 1
    stop: int = 1
    size: int = 0
    taken: float = 0.0


class Blocks:
    """The blocks of one process.

    Args:
        advance: moves the counters of a kind on, durably, and answers the first of the numbers
            gained in each org.
        advance_to: moves one counter to a number, unless it is beyond.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        advance: Callable[[str, Mapping[str, int]], Awaitable[Mapping[str, int]]],
        advance_to: Callable[[str, str, int], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._advance = advance
        self._advance_to = advance_to
        self._clock = clock
        self._blocks: dict[tuple[str, str], _Block] = {}
        self._taking = asyncio.Lock()

    async def take(self, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
        """Take `wanted[org]` numbers of a kind in each org; the first of each run of numbers is
        answered.
        """
        if self._lacking(kind, wanted):
            async with self._taking:
                while lacking := self._lacking(kind, wanted):
                    await self._fill(kind, lacking)
        return {org: self._hand_out(kind, org, count) for org, count in wanted.items()}

    async def reserve(self, kind: str, org: str, number: int) -> None:
        """Hand out no number up to this one from now on. Other processes still hand out what
        they hold.
        """
        async with self._taking:
            await self._advance_to(kind, org, number)
            block = self._blocks.get((kind, org))
            if block is not None and block.next <= number:
                del self._blocks[kind, org]

    def _lacking(self, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
        found = ((org, count, self._blocks.get((kind, org))) for org, count in wanted.items())
        return {
            org: count
            for org, count, block in found
            if block is None or block.stop - block.next < count
        }

    def _hand_out(self, kind: str, org: str, count: int) -> int:
        block = self._blocks[kind, org]
        first, block.next = block.next, block.next + count
        return first

    async def _fill(self, kind: str, lacking: Mapping[str, int]) -> None:
        now = self._clock()
        sizes = {
            org: self._size(self._blocks.get((kind, org)), count, now)
            for org, count in lacking.items()
        }
        for org, first in (await self._advance(kind, sizes)).items():
            size = sizes[org]
            block = self._blocks.setdefault((kind, org), _Block())
            if first != block.stop:
                # Another process was between; a run of numbers has no gap, so what is left of the
                # old block is lost.
                block.next = first
            block.stop, block.size, block.taken = first + size, size, now

    @staticmethod
    def _size(block: _Block | None, count: int, now: float) -> int:
        if block is None or now - block.taken > _SHORT:
            return count
        return max(count, min(2 * max(count, block.size), _MOST))

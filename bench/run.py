"""`make bench`: measures the program in interleaved rounds, beside the same run's references and
the baselines.

Whole, it keeps its figures in `bench/results/` and writes `bench/report.md` and its plots anew.
With `--only` it prints the figures of some groups beside those that were kept, and keeps nothing.
"""

import argparse
import contextlib
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import peers, report, server
from bench.load import Load
from bench.measures import Figures, Measure, Measures
from bench.server import ROOT, Served, rapport
from bench.store import DATABASE, ENGINES, Made, made, postgres

GROUPS = (
    "start",
    "reference",
    "creates",
    "reads",
    "questions",
    "counts",
    "rollup",
    "slow",
    "mixed",
    "feed",
    "peers",
)
_ASKING = ("reference", "reads", "questions", "counts", "rollup", "slow")
_WRITING = ("creates", "mixed", "feed")
# A machine on which the same work takes so much longer at times is too noisy for figures, but not
# for ratios.
_NOISY = 1.2


def main() -> None:
    """Read the command line, make what is missing, measure, and say what was found."""
    options = _options()
    # Whoever is told to stop ends its servers first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cache = options.cache.absolute()
    cache.mkdir(parents=True, exist_ok=True)
    # Figures of a disk that isn't there are not kept.
    whole = not options.only and not options.flush_ms
    stores = [made(cache, engine, options.rows) for engine in options.engine]
    if options.flush_ms:
        server.slow_flushes(cache, options.flush_ms)
    for engine, store in zip(options.engine, stores, strict=True):
        found = measured(
            store, cache, options.only or GROUPS, rounds=options.rounds, seconds=options.seconds
        )
        kept = report.kept(options.report, engine, options.rows)
        print(report.text(options.report, found, kept if options.only else None))
        if whole or options.keep:
            report.keep(options.report, found)
    if whole or options.keep:
        report.write(options.report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=100_000, help="engagements in the store, 2,000 to 10,000,000"
    )
    parser.add_argument(
        "--engine", type=_words, default=["sqlite"], help="sqlite, postgres, or both by comma"
    )
    parser.add_argument("--only", type=_words, default=[], help=f"some of {','.join(GROUPS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="of each load; a question gets a tenth"
    )
    parser.add_argument(
        "--flush-ms",
        type=float,
        default=0.0,
        help="have each flush of the disk take at least so long",
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".bench", help="where made stores are kept"
    )
    parser.add_argument(
        "--report", type=Path, default=report.HERE, help="where figures, report and plots are kept"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the figures of a run with --only, too"
    )
    options = parser.parse_args()
    for given, known in ((options.engine, ENGINES), (options.only, GROUPS)):
        if unknown := set(given) - set(known):
            parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}")
    return options


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def measured(
    store: Made, cache: Path, groups: Sequence[str], *, rounds: int, seconds: float
) -> report.Found:
    """Everything of these groups, in rounds that interleave all of it."""
    figures: dict[str, dict[str, list[Figures]]] = {}
    spins = [_spin()]
    with contextlib.ExitStack() as stack:
        run = _Run(stack, store, cache)
        for sample in run.starts(rounds) if "start" in groups else ():
            figures.setdefault("start", {}).setdefault("start", []).append(sample)
        measures = run.measures(groups, seconds)
        for place in range(rounds):
            print(f"round {place + 1} of {rounds}: {len(measures)} measures", flush=True)
            for measure in measures:
                figures.setdefault(measure.group, {}).setdefault(measure.name, []).append(
                    measure.run()
                )
            spins.append(_spin())
    slowest = max(max(pair) for pair in spins) / min(min(pair) for pair in spins)
    return report.Found(
        engine=store.engine,
        rows=store.world.rows,
        rounds=rounds,
        seconds=seconds,
        date=time.strftime("%Y-%m-%d"),
        commit=_commit(),
        machine=_machine(),
        made_a_second=store.world.rows / store.seconds,
        flush_ms=max(server.imposed_flush_ms(), server.flush_seconds(cache) * 1000),
        noise=slowest,
        is_noisy=slowest > _NOISY,
        figures={
            group: {name: _medians(samples) for name, samples in named.items()}
            for group, named in figures.items()
        },
    )


class _Run:
    """The servers of a run, started where a group needs them."""

    def __init__(self, stack: contextlib.ExitStack, store: Made, cache: Path) -> None:
        self._stack = stack
        self._store = store
        self._cache = cache
        self._folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=cache))
        )
        self._cluster = stack.enter_context(postgres(store)) if store.engine == "postgres" else None

    def starts(self, times: int) -> Iterator[Figures]:
        """Start the program on the store so many times."""
        for _ in range(times):
            with self._asking() as served:
                yield {
                    "start_s": served.start,
                    "memory": served.memory,
                    "version_s": server.version_seconds(),
                }

    def measures(self, groups: Sequence[str], seconds: float) -> list[Measure]:
        """The measures of these groups."""
        load = self._stack.enter_context(Load())
        made_of = Measures(load, self._store.world, seconds)
        found: list[Measure] = []
        # PostgreSQL copies a database that nobody uses.
        if any(group in _WRITING for group in groups):
            found += self._written(made_of, groups)
        if any(group in {*_ASKING, "creates", "peers"} for group in groups):
            found += self._asked(made_of, groups)
        if "peers" in groups:
            found += self._peers(made_of)
        return found

    def _asked(self, made_of: Measures, groups: Sequence[str]) -> Iterator[Measure]:
        get, list_ = "/engagements.get?id=ENGAGEMENT-{}", "/engagements.list?limit=50"
        served = made_of.warm(self._stack.enter_context(self._asking()), get.format(1), list_)
        if {"reference", "creates", "reads"} & set(groups):
            yield from made_of.noop(served)
        if "reads" in groups:
            yield from made_of.reads("reads", "", served, get, list_, (1, 16, 64))
            expand = "&expand=members,parents,tags"
            yield from made_of.reads(
                "reads", "expanded ", served, get + expand, list_ + expand, (16,)
            )
        yield from made_of.questions(
            [group for group in groups if group in {"questions", "counts", "rollup"}], served
        )
        if "slow" in groups:
            yield from made_of.beside_a_question(served)

    def _written(self, made_of: Measures, groups: Sequence[str]) -> Iterator[Measure]:
        create = "/engagements.create"
        served = made_of.warm(self._stack.enter_context(self._copied("whole")), create=create)
        if "creates" in groups:
            yield from made_of.creates("creates", "create", served)
            alone = self._stack.enter_context(self._copied("alone", ("bench.hollow", "alone")))
            made_of.warm(alone, create=create)
            yield from made_of.creates("creates", "one commit per request", alone)
            nothing = self._stack.enter_context(
                self._copied("nothing", ("bench.hollow", "nothing"))
            )
            made_of.warm(nothing, create=create)
            yield from made_of.creates("creates", "without storage", nothing)
        if "mixed" in groups:
            yield from made_of.mixed(served)
        if "feed" in groups:
            yield from made_of.feed(served)

    def _peers(self, made_of: Measures) -> Iterator[Measure]:
        database = self._stack.enter_context(peers.filled(self._cache, self._store.world))
        for peer in peers.PEERS:
            served = self._stack.enter_context(peer.serve(self._cache, database))
            name, all_, get, list_ = (
                peer.name,
                "/engagements",
                "/engagements/{}",
                "/engagements?limit=50",
            )
            made_of.warm(served, get.format(1), list_, create=all_)
            yield from made_of.creates("peers", f"{name}: create", served, all_)
            yield from made_of.reads("peers", f"{name}: ", served, get, list_, (16,))
            if peer.has_questions:
                yield from made_of.peer_questions("peer questions", f"{name}:", served)

    def _asking(self) -> contextlib.AbstractContextManager[Served]:
        """The program on the made store itself, which questions leave as it is."""
        return self._serve(self._store.data, DATABASE, ("rapport",))

    @contextlib.contextmanager
    def _copied(self, name: str, module: Sequence[str] = ("rapport",)) -> Iterator[Served]:
        """The program on a copy of the store."""
        data = self._folder / name
        if self._cluster is None:
            shutil.copytree(self._store.data, data, ignore=shutil.ignore_patterns("*.sock"))
            with self._serve(data, "", module) as served:
                yield served
            return
        self._cluster.run(f'DROP DATABASE IF EXISTS "{name}"')
        self._cluster.run(f'CREATE DATABASE "{name}" TEMPLATE "{DATABASE}" STRATEGY file_copy')
        with self._serve(self._store.data, name, module) as served:
            yield served
        self._cluster.run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _serve(
        self, data: Path, database: str, module: Sequence[str]
    ) -> contextlib.AbstractContextManager[Served]:
        if self._cluster is None:
            return rapport(data, self._store.token, module=module)
        return rapport(
            data,
            self._store.token,
            module=module,
            database=self._cluster.url(database),
            postmaster=self._cluster.postmaster,
        )


def _spin() -> tuple[float, float]:
    """The same work on both cores: how free the machine is."""
    return server.spin_seconds(server.SERVER_CORE), server.spin_seconds(server.LOAD_CORE)


def _medians(samples: Sequence[Mapping[str, float]]) -> dict[str, report.Figure]:
    return {
        name: report.Figure(statistics.median(values), min(values), max(values))
        for name in samples[0]
        if (values := [sample[name] for sample in samples if name in sample])
    }


def _commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() or "unknown"


def _machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")),
        platform.machine(),
    )
    return {
        "cores": len(os.sched_getaffinity(0)),
        "model": model,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main()

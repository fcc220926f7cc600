"""The shared store suite: every test that takes `store` runs on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import ENGINES, Engine


@pytest.fixture(params=list(ENGINES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty store."""
    engine = Engine(request.param, tmp_path)
    yield engine
    engine.close()

"""What a method does may differ by engine."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse a test that does not say on which engines it runs: it would only run on one."""
    if "server" in metafunc.fixturenames and not metafunc.definition.get_closest_marker("engines"):
        raise pytest.UsageError(
            f'{metafunc.definition.path}: add pytestmark = pytest.mark.engines("sqlite", "postgres"), '
            "or one of them where the engine makes no difference"
        )

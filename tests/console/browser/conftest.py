"""A browser for each worker, which its tests share; a window for each test."""

from collections.abc import Iterator

import pytest

from tests.console.browser.window import Browser, Window
from tests.support.server import Server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The worker's browser."""
    running = Browser()
    yield running
    running.close()


@pytest.fixture
def window(browser: Browser, server: Server) -> Iterator[Window]:
    """A window of nobody yet."""
    with browser.window(server.url) as opened:
        yield opened


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that has a browser in the browser's thread."""
    running = pyfuncitem.funcargs.get("browser")
    if not isinstance(running, Browser):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    running.do(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names})
    return True

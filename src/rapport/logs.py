"""The log: JSON lines on standard error."""

import logging
import sys

# It takes a sixth of a server's start to import Rich, which structlog does where it is there, for
# a log that people read; this one is JSON.
_rich = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]  # so importing it fails
import structlog  # noqa: E402, TID251
from structlog import get_logger as get_logger  # noqa: E402, TID251

if _rich is None:
    del sys.modules["rich"]
else:
    sys.modules["rich"] = _rich


def configure_logs(worker: int | None = None) -> None:
    """Log JSON lines on standard error.

    Args:
        worker: the number of this worker process, which each of its lines then carries.
    """

    def name_worker(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        if worker is not None:
            event.setdefault("worker", worker)
        return event

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            name_worker,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    for name in ("uvicorn", "python_multipart"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

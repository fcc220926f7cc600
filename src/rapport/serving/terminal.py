"""Whether a SIGHUP means the end of a terminal, or a wish for something anew."""

import os
import signal


class Terminal:
    """The terminal that controls this process, if there is one."""

    def __init__(self) -> None:
        self._was_there = _is_there()

    def is_lost(self) -> bool:
        """Whether it was closed since."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        return False  # nohup: the terminal may go
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True

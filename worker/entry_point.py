"""`pubgrade`, as people and scripts start it: stopped while its modules are read, it says so too."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """The command. SIGTERM interrupts it from the first moment on, as SIGINT does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from worker.command_line import main as command

        command()
    except KeyboardInterrupt:
        print("pubgrade: interrupted", file=sys.stderr)  # noqa: T201
        sys.exit(130)

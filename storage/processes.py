"""Which process is which, and whether it still lives.

A process number alone is used again by others, in containers at once: on Linux the moment at which
the process began tells two apart.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_host() -> str:
    return socket.gethostname()


def identity(pid: int) -> str | None:
    """Boot and start time of a living process, None where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the command in parentheses and may hold anything; start time is the 22nd.
    started = status.rpartition(")")[2].split()[19]
    return f"{boot}:{started}"


def lives(pid: int, process: str | None) -> bool:
    """Whether the process `pid` of this host runs; `process` is what `identity` said of it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    now = identity(pid)
    return process is None or now is None or now == process

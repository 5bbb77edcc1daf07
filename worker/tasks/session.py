"""What every command stands on: errors as lines, configuration, store, client, ledger row."""

from __future__ import annotations

import dataclasses
import errno
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from storage import Store
from storage.errors import QueryError, StoreError
from storage.records import Run
from worker import logs
from worker.collector import look_rarely
from worker.config import Config, load_config
from worker.errors import ConfigError, WorkerError
from worker.invocation import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_SOME_FAILED,
    EXIT_STORE,
    EXIT_USAGE,
    Invocation,
)
from worker.tasks.output import say

if TYPE_CHECKING:
    from worker.entrez import EntrezClient
    from worker.intake import IntakeOutcome

BATCH = 500  # records a transaction

P = ParamSpec("P")


def task(
    function: Callable[Concatenate[Invocation, P], int],
) -> Callable[Concatenate[Invocation, P], int]:
    """Errors become one or two lines and the exit status of the contract; no traceback but with -v."""

    @wraps(function)
    def call(invocation: Invocation, /, *args: P.args, **kwargs: P.kwargs) -> int:
        look_rarely()
        try:
            status = function(invocation, *args, **kwargs)
            sys.stdout.flush()  # here, where a closed pipe or a full disk can still be told
            return status
        except KeyboardInterrupt:
            say("interrupted; the work so far is kept")
            return EXIT_INTERRUPTED
        except BrokenPipeError:
            # Whoever read our output has seen enough (head, less).
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_DONE
        except WorkerError as error:
            return _told(invocation, error, error.exit_status)
        except QueryError as error:
            return _told(invocation, error, EXIT_USAGE)
        except StoreError as error:
            return _told(invocation, error, EXIT_STORE)
        except OSError as error:
            if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EIO):
                return _fault(invocation, error)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            say(f"pubgrade: the output cannot be written: {error.strerror}")
            return EXIT_USAGE
        except Exception as error:
            return _fault(invocation, error)

    return call


def _fault(invocation: Invocation, error: Exception) -> int:
    if invocation.verbose:
        raise error
    say(
        f"pubgrade: a fault in pubgrade itself: {type(error).__name__}: "
        f"{logs.redact(str(error))}\nRun it again with -v, and report what it says."
    )
    return EXIT_SOME_FAILED


def _told(invocation: Invocation, error: Exception, status: int) -> int:
    if invocation.verbose:
        say(logs.redact(traceback.format_exc()).rstrip())
    for line in str(error).splitlines():
        say(f"pubgrade: {line}")
    return status


def open_config(invocation: Invocation, email: str | None = None) -> Config:
    config = load_config(
        Path(invocation.config) if invocation.config else None, store=invocation.store, email=email
    )
    level = "DEBUG" if invocation.verbose else "ERROR" if invocation.quiet else "WARNING"
    set_up_logs(config, level)
    return config


def set_up_logs(config: Config, level: str) -> None:
    key = config.entrez.api_key
    logs.hide(key.get_secret_value() if key else None)
    settings = config.log
    try:
        logs.set_up(
            level,
            json_lines=settings.json_lines,
            file=settings.file,
            rotate_mb=settings.rotate_mb,
            keep=settings.keep,
        )
    except OSError as error:
        raise ConfigError(
            f"[log] file {settings.file}: cannot be written: {error.strerror}"
        ) from None


def open_store(config: Config, *, create: bool = True) -> Store:
    return Store.open(config.store.url, keep_raw=config.store.keep_raw, create=create)


def open_client(config: Config) -> EntrezClient:
    """Asks a person at a terminal for the e-mail address where none is set."""
    from worker.entrez import EntrezClient

    settings = config.entrez
    email = settings.email
    if email is None and sys.stdin.isatty() and sys.stderr.isatty():
        sys.stderr.write(
            "NCBI asks for your e-mail address (kept in config.toml or PUBGRADE_EMAIL): "
        )
        sys.stderr.flush()
        email = sys.stdin.readline().strip() or None
    if email is None:
        raise ConfigError(
            "NCBI asks for an e-mail address with every call, and none is set.\n"
            "Use --email you@example.org, set PUBGRADE_EMAIL, or fill in [entrez] email in config.toml."
        )
    return EntrezClient(
        email=email,
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
        tool=settings.tool,
        base_url=settings.base_url,
        timeout=settings.timeout,
    )


@contextmanager
def ledger_row(store: Store, kind: str, subject: str) -> Iterator[list[Run]]:
    """One row of the ledger, closed whatever happens; change `[0]` as the work goes on."""
    started = time.monotonic()
    row = [store.start_run(Run(kind=kind, subject=subject, started_at=datetime.now(UTC)))]

    def close(state: str, error: str | None = None) -> None:
        row[0] = dataclasses.replace(
            row[0],
            state=state,
            error=error,
            finished_at=datetime.now(UTC),
            seconds=round(time.monotonic() - started, 3),
        )
        store.update_run(row[0])

    try:
        yield row
    except KeyboardInterrupt:
        close("interrupted")
        raise
    except Exception as error:
        close("failed", str(error))
        raise
    close("done" if row[0].state == "running" else row[0].state, row[0].error)


def counted(run: Run, outcome: IntakeOutcome, **more: int) -> Run:
    changes = {
        name: getattr(run, name) + len(getattr(outcome, name))
        for name in ("new", "revised", "unchanged", "stale", "failed", "deleted")
    }
    for name, value in more.items():
        changes[name] = changes.get(name, getattr(run, name)) + value
    return dataclasses.replace(run, **changes)

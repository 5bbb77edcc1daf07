"""Bulk loads on a cluster: Dask workers read and grade files, the one writer saves them in order.

The scheduler is the user's own (docs/cluster.md), or one that is started on this machine. What a
worker does is `Task.prepare`, as any other process: the same function, the same records. A task
whose worker was lost is run again elsewhere; it writes its file anew under another name and renames
it at the end, so nothing is ever half there. Sources and what is made of them lie where all workers
and the writer can see them.

Needs Dask distributed, the extra `distributed`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from loguru import logger

from worker.collector import look_rarely
from worker.errors import ConfigError, EntrezUnavailable, SourceError, WorkerError
from worker.files import is_address
from worker.known import Known
from worker.preparing import Answer, Prepared, Task, shares_of

if TYPE_CHECKING:
    from distributed import Client

RETRIES: Final = 5  # times that a file is given to another worker
PATIENCE: Final = 20  # seconds for the scheduler to answer, or to come back


class ClusterReaders:
    """Reads on the workers of a cluster, two sources for each of them ahead of the writer.

    `sources`: how many there are. `known`: what need not be read, told without a store.
    """

    def __init__(
        self,
        client: Client,
        stop: threading.Event,
        progress: Callable[[int], None],
        sources: int | None,
        known: Known | None = None,
    ) -> None:
        self._client = client
        # Its futures can be waited for with a time-out; the client's own lose the answer in a race.
        self._executor = client.get_executor(pure=False, retries=RETRIES)
        self._sources = sources
        self._known = known
        self._stop = stop
        self._progress = progress
        self._read = 0
        self._told_to_wait = False

    @property
    def ahead(self) -> int:
        return 2 * workers_of(self._client)

    def begin(self, task: Task) -> Answer:
        if task.source == "-":
            raise SourceError("--cluster: standard input cannot be read by other machines.")
        if not is_address(task.source):
            task = replace(task, source=os.path.abspath(task.source))
        futures = [
            self._executor.submit(prepare_there, each, self._known)
            for each in shares_of(task, workers_of(self._client), self._sources)
        ]
        return lambda: Prepared.together([self._wait(each, task.source) for each in futures])

    def _wait(self, future: Future[tuple[Prepared, int]], source: str) -> Prepared:
        from distributed import KilledWorker

        while True:
            try:
                prepared, records = future.result(timeout=0.5)
            except TimeoutError:
                if self._stop.is_set():
                    future.cancel()
                    return Prepared((), stopped=True)
                if not self._told_to_wait and not _workers(self._client):
                    self._told_to_wait = True
                    logger.warning("the cluster has no workers: waiting until there are some")
                continue
            except (KilledWorker, CancelledError) as error:
                raise _lost(self._client, error, f"{source}: the workers that read it") from None
            self._read += records
            self._progress(self._read)
            return prepared


def prepare_there(task: Task, known: Known | None) -> tuple[Prepared, int]:
    """`Task.prepare` on a worker, and the number of records."""
    look_rarely()
    counts: list[int] = []
    prepared = task.prepare(known=known, count=counts.append)
    return replace(prepared, by=_here()), sum(counts)


def _here() -> str:
    from distributed import get_worker

    return str(get_worker().address)


def workers_of(client: Client) -> int:
    """How many workers there are now, 1 where there is none yet."""
    return max(1, len(_workers(client)))


def _workers(client: Client) -> dict[str, object]:
    found: dict[str, object] = client.scheduler_info(n_workers=-1)["workers"]
    return found


def _lost(client: Client, error: BaseException, who: str) -> WorkerError:
    kept = "What was done before is kept; start again to go on."
    if client.status != "running":
        return EntrezUnavailable(f"the scheduler of the cluster is gone. {kept}")
    return WorkerError(f"{who} were lost ({type(error).__name__}; out of memory?). {kept}")


def _check(client: Client) -> None:
    """Raises ConfigError where a worker has not this pubgrade: it would end with the first task, or
    grade by other rules. Whoever joins later is not asked."""
    ours = version("pubgrade")
    for worker, theirs in client.run(version, "pubgrade", on_error="return").items():
        if theirs != ours:
            has = f"has pubgrade {theirs}" if isinstance(theirs, str) else "has no pubgrade"
            raise ConfigError(
                f"--cluster: the worker {worker} {has}, this is {ours}. Install the same on all "
                "(docs/cluster.md)."
            )


@contextmanager
def executor_of(client: Client) -> Iterator[Executor]:
    """The cluster as an executor. A task whose worker was lost is run again elsewhere."""
    from distributed import KilledWorker

    try:
        yield client.get_executor(pure=False, retries=RETRIES)
    except (KilledWorker, CancelledError) as error:
        raise _lost(client, error, "the workers of the cluster") from None


@contextmanager
def connected(address: str, workers: int, say: Callable[[str], None]) -> Iterator[Client]:
    """A client of the scheduler at `address`, or of one with `workers` processes on this machine
    where `address` is "local". Says where the dashboard is.

    Raises WorkerError where distributed is not installed, EntrezUnavailable where nothing answers,
    ConfigError where a worker has another pubgrade.
    """
    try:
        import dask.config
        from distributed import Client, LocalCluster
    except ImportError:
        raise SourceError(
            "--cluster needs Dask distributed: pip install 'pubgrade[distributed]'"
        ) from None
    if address == "local":
        with (
            # Looking at all stacks a hundred times a second takes a third of a worker's time.
            dask.config.set({"distributed.worker.profile.enabled": False}),
            LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
            ) as cluster,
            Client(cluster) as client,
        ):
            say(f"{workers} workers on this machine; dashboard: {client.dashboard_link}")
            yield client
        return
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise EntrezUnavailable(
            f"--cluster {address}: no Dask scheduler answers there ({type(error).__name__}). "
            "Start one (docs/cluster.md), or use --cluster local."
        ) from None
    with client:
        _check(client)
        say(f"scheduler {address}; dashboard: {client.dashboard_link}")
        yield client

"""Who does the work of a command: this process, others on this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from worker.processes import processes
from worker.tasks.output import say

if TYPE_CHECKING:
    from distributed import Client

MANY: Final = 20_000  # stored records that are worth starting processes for


def on_cluster(address: str | None, workers: int) -> AbstractContextManager[Client | None]:
    """A client of the cluster that --cluster names, None without it."""
    if address is None:
        return nullcontext()
    from worker.cluster import connected

    return connected(address, workers, say)


@contextmanager
def executor_for(cluster: str | None, workers: int) -> Iterator[tuple[Executor | None, int]]:
    """What --cluster and --workers ask for, and how many processes that are; None where this one
    is enough."""
    with on_cluster(cluster, workers) as client, executor_on(client, workers) as found:
        yield found


@contextmanager
def executor_on(client: Client | None, workers: int) -> Iterator[tuple[Executor | None, int]]:
    """The same of a cluster that is connected, or of so many processes here."""
    if client is not None:
        from worker.cluster import executor_of, workers_of

        with executor_of(client) as executor:
            yield executor, workers_of(client)
    elif workers < 2:
        yield None, 1
    else:
        with processes(workers) as executor:
            yield executor, workers

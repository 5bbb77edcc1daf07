"""`pubgrade status`."""

from __future__ import annotations

from datetime import UTC, datetime

from grading import GRADER_VERSION
from worker import pages
from worker.invocation import EXIT_DONE, Invocation
from worker.mirror import standing
from worker.tasks.output import emit
from worker.tasks.session import open_config, open_store, task


@task
def status(invocation: Invocation) -> int:
    config = open_config(invocation)
    now = datetime.now(UTC)
    with open_store(config, create=False) as store:
        counts, topics = store.counts(GRADER_VERSION), store.topics()
        runs, heartbeat = store.runs(limit=10), store.heartbeat()
        mirror, schedule = standing(store), config.mirror.schedule
        if invocation.json:
            emit(
                {
                    "store": store.url,
                    "counts": counts,
                    "topics": topics,
                    "runs": runs,
                    "mirror": {**mirror._asdict(), "schedule": schedule},
                    "daemon": {"state": pages.daemon_state(heartbeat, now), "heartbeat": heartbeat},
                    "grader_version": GRADER_VERSION,
                }
            )
        else:
            pages.console().print(
                pages.status_page(
                    store.url,
                    counts,
                    topics,
                    runs,
                    heartbeat,
                    now,
                    pages.mirror_state(mirror, schedule),
                )
            )
    return EXIT_DONE

"""`pubgrade status`."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime

from grading import GRADER_VERSION
from storage import Store
from storage.records import TopicState
from worker import pages
from worker.invocation import EXIT_DONE, Invocation
from worker.mirror import standing
from worker.tasks.output import emit, say
from worker.tasks.session import open_config, open_store, task


def _index_waits(store: Store) -> bool:
    """Whether a load is at work that makes the full-text index at its end. What a load that broke
    off has left out is made here."""
    if not store.index_is_missing():
        return False
    store.interrupt_runs()
    runs = store.runs(limit=20)
    if any(run.state == "running" and run.kind in ("load", "mirror") for run in runs):
        return True
    say("A load broke off before it made the full-text index: making it now …")
    store.build_index()
    return False


def _lag(topic: TopicState, now: datetime) -> int | None:
    """Days since the last one of which all records are stored: 1 is as little as there can be."""
    if topic.created_through is None:
        return None
    return (now.date() - date.fromisoformat(topic.created_through)).days


@task
def status(invocation: Invocation) -> int:
    config = open_config(invocation)
    now = datetime.now(UTC)
    with open_store(config, create=False) as store:
        waiting = _index_waits(store)
        counts, topics = store.counts(GRADER_VERSION), store.topics()
        runs, heartbeat = store.runs(limit=10), store.heartbeat()
        mirror, schedule = standing(store), config.mirror.schedule
        if invocation.json:
            emit(
                {
                    "store": store.url,
                    "counts": counts,
                    "topics": [
                        dataclasses.asdict(topic) | {"lag_days": _lag(topic, now)}
                        for topic in topics
                    ],
                    "runs": runs,
                    "mirror": {**mirror._asdict(), "schedule": schedule},
                    "daemon": {"state": pages.daemon_state(heartbeat, now), "heartbeat": heartbeat},
                    "grader_version": GRADER_VERSION,
                    "full_text_index": "waiting" if waiting else "complete",
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
                    index_waits=waiting,
                )
            )
    return EXIT_DONE

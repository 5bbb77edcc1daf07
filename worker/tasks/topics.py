"""`pubgrade sync` and `pubgrade run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from worker.config import Config, load_config
from worker.errors import ConfigError, WorkerError
from worker.invocation import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SOME_FAILED, Invocation
from worker.tasks.files import stop_on_signals
from worker.tasks.output import emit, list_failures, progress, say
from worker.tasks.session import open_client, open_config, open_store, set_up_logs, task


@task
def sync(invocation: Invocation, *, topics: list[str], email: str | None) -> int:
    from worker.sync import SyncProgress, sync_topic

    config = open_config(invocation, email)
    by_name = {topic.name: topic for topic in config.topics}
    if not by_name:
        raise ConfigError(
            f"{config.path or 'no configuration'}: no topics. Add a [[topics]] entry with name and query "
            "(`pubgrade init` writes an example)."
        )
    if unknown := [name for name in topics if name not in by_name]:
        raise ConfigError(
            f"unknown topic {', '.join(unknown)}; the topics are {', '.join(by_name)}"
        )
    stop = stop_on_signals()
    status = EXIT_DONE
    errors: list[WorkerError] = []
    with open_store(config) as store:
        for topic in (by_name[name] for name in topics or by_name):
            with open_client(config) as client, progress(invocation, topic.name, None) as show_done:

                def watch(progress: SyncProgress, show_done: Any = show_done) -> None:
                    show_done(progress.done, progress.total)

                try:
                    outcome = sync_topic(store, client, topic, stop=stop, progress=watch)
                except WorkerError as error:  # one topic that fails never stops the others
                    say(f"topic {topic.name}: {error}")
                    errors.append(error)
                    if invocation.json:
                        emit({"topic": topic.name, "error": str(error)})
                    continue
            for warning in outcome.warnings:
                say(f"topic {topic.name}: PubMed says: {warning}")
            if list_failures(outcome.failures):
                status = EXIT_SOME_FAILED
            if invocation.json:
                told = {
                    name: getattr(outcome, name)
                    for name in (
                        "topic", "asked", "returned", "new", "revised", "unchanged", "stale",
                        "missing", "failed", "requests", "seconds", "interrupted", "warnings",
                    )
                }  # fmt: skip
                failures = [{"pmid": pmid, "error": why} for pmid, why in outcome.failures]
                emit(told | {"failures": failures, "error": None})
            elif not invocation.quiet:
                sys.stdout.write(
                    f"{outcome.topic}: {outcome.new:,} new, {outcome.revised:,} revised, "
                    f"{outcome.unchanged:,} unchanged, {outcome.missing:,} missing, "
                    f"{outcome.failed:,} failed ({outcome.requests} requests, {outcome.seconds:.0f} s)\n"
                )
            if outcome.interrupted or stop.is_set():
                say("interrupted; the work so far is kept")
                return EXIT_INTERRUPTED
    if errors:
        return max(error.exit_status for error in errors)
    return status


@task
def run(invocation: Invocation) -> int:
    from worker.schedule import Daemon

    config = load_config(
        Path(invocation.config) if invocation.config else None, store=invocation.store
    )
    set_up_logs(config, "DEBUG" if invocation.verbose else config.log.level)
    if config.topics and config.entrez.email is None:
        raise ConfigError(
            "the daemon does not start without an e-mail address: NCBI asks for it.\n"
            "Fill in [entrez] email in config.toml, or set PUBGRADE_EMAIL."
        )
    if not config.topics and not config.mirror.schedule:
        raise ConfigError(
            f"{config.path or 'no configuration'}: no topics to keep up with. Add a [[topics]] entry with "
            "name and query (`pubgrade init` writes an example), or set [mirror] every."
        )

    def reload() -> Config:
        return load_config(
            Path(invocation.config) if invocation.config else None, store=invocation.store
        )

    with open_store(config) as store:
        return Daemon(store, config, reload).run()

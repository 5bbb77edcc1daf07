"""The daemon: syncs every topic, and mirrors if told to, each on its schedule, until SIGTERM or SIGINT.

APScheduler 3 is told what it does not do well by itself: a generous misfire grace (its own is one
second), one run for many missed ones, never two runs of one job at a time. Signals only set
events; the main thread does the rest.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from loguru import logger

from storage import Store
from storage.errors import StoreError
from worker.config import Config, MirrorSettings, TopicSettings
from worker.cron import cron_trigger
from worker.entrez import EntrezClient
from worker.errors import ConfigError, WorkerError
from worker.mirror import mirror_pass
from worker.nlm_site import Site, Stopped
from worker.selection import Selection
from worker.sync import sync_topic

HEARTBEAT = 20.0  # seconds between signs of life in the store
WATCH = 5.0  # seconds between looks at the configuration file
PATIENCE = 8.0  # seconds that topics get to finish the batch in hand
MIRROR = "mirror"  # the job that mirrors, and where it runs
LAST_RESORT = 9.5  # seconds after which the process ends whatever it waits for


class Daemon:
    def __init__(self, store: Store, config: Config, reload: Callable[[], Config]) -> None:
        self._store = store
        self._config = config
        self._reload = reload
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._reread = False
        self._failures: dict[str, int] = {}
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={
                "default": ThreadPoolExecutor(config.daemon.threads),
                # A mirror may take days: it takes no thread from the topics.
                MIRROR: ThreadPoolExecutor(1),
            },
            job_defaults={
                "coalesce": True,
                "max_instances": 1,
                "misfire_grace_time": int(config.daemon.misfire_grace.total_seconds()),
            },
        )

    def run(self) -> int:
        """Until a signal. Raises StoreInUse when another daemon holds the store."""
        self._store.claim_daemon(host=socket.gethostname(), pid=os.getpid())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        try:
            self._store.interrupt_runs()
            self._schedule(self._config)
            self._scheduler.start()
            self._note_plans()
            logger.info("pubgrade is running with {} topics", len(self._config.topics))
            _notify("READY=1")
            self._wait()
        finally:
            self._close()
        return 0

    def _on_stop(self, *_: object) -> None:
        self._stop.set()
        self._wake.set()

    def _on_reload(self, *_: object) -> None:
        self._reread = True
        self._wake.set()

    def _wait(self) -> None:
        changed = self._config_time()
        beaten = 0.0
        while not self._stop.is_set():
            if time.monotonic() - beaten >= HEARTBEAT:
                beaten = time.monotonic()
                try:
                    self._store.beat()
                except StoreError as error:
                    logger.error("no heartbeat: {}", error)
                _notify("WATCHDOG=1")
            now = self._config_time()
            if self._reread or now != changed:
                self._reread, changed = False, now
                self._read_again()
            self._wake.wait(WATCH)
            self._wake.clear()

    def _close(self) -> None:
        self._stop.set()
        # A store that another process locks could hold us longer than a service manager waits. What
        # is not committed then is rolled back, and fetched again next time.
        last_resort = threading.Timer(LAST_RESORT, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()
        _notify("STOPPING=1")
        try:
            self._store.beat(state="stopping")
        except StoreError:
            pass
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        deadline = time.monotonic() + PATIENCE
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.05)
        try:
            self._store.release_daemon()
        except StoreError as error:
            logger.error("the store could not be released: {}", error)
        logger.info("pubgrade has stopped")
        if not self._busy:
            last_resort.cancel()

    # -- jobs

    def _schedule(self, config: Config) -> None:
        """Make the jobs those of the configuration. Unchanged ones keep their next run."""
        before, wanted = _jobs(self._config), _jobs(config)
        for job in self._scheduler.get_jobs():
            if job.id not in wanted:
                job.remove()
        for name, settings in wanted.items():
            known = self._scheduler.get_job(name) is not None
            if known and before.get(name) == settings:
                continue
            topic = isinstance(settings, TopicSettings)
            self._scheduler.add_job(
                self._sync if topic else self._mirror,
                _trigger(settings),
                args=[settings],
                id=name,
                name=name,  # what APScheduler calls it in the log
                executor="default" if topic else MIRROR,
                replace_existing=True,
                next_run_time=datetime.now(UTC) if settings.cron is None else _next(settings),
            )
        self._config = config

    def _read_again(self) -> None:
        try:
            config = self._reload()
            if config.path != self._config.path:
                raise ConfigError(f"{self._config.path} is gone")
            if config.store.url != self._config.store.url:
                raise ConfigError("[store] url changed: restart the daemon for that")
            if config.topics and config.entrez.email is None:
                raise ConfigError("[entrez] email is gone")
        except (ConfigError, OSError) as error:
            logger.error("configuration not reloaded, the old one stays: {}", error)
            return
        self._schedule(config)
        self._note_plans()
        logger.info("configuration reloaded: {} topics", len(config.topics))

    def _config_time(self) -> int | None:
        path = self._config.path
        try:
            return Path(path).stat().st_mtime_ns if path else None
        except OSError:
            return None

    def _sync(self, topic: TopicSettings) -> None:
        self._attempt(_job(topic.name), f"topic {topic.name}", lambda: self._sync_once(topic))
        self._note_next(topic)

    def _mirror(self, settings: MirrorSettings) -> None:
        self._attempt(MIRROR, "mirror", lambda: self._mirror_once(settings))

    def _attempt(self, job: str, what: str, work: Callable[[], None]) -> None:
        """Do the work of a job, unless it is being done. A failure is logged and tried again."""
        if self._stop.is_set():
            return
        with self._lock:
            if job in self._busy:
                return
            self._busy.add(job)
        try:
            work()
            if not self._stop.is_set():
                self._failures.pop(job, None)
        except Stopped:
            pass
        except Exception as error:
            # Whatever it is, the other jobs go on; what we did not foresee says what it is.
            known = isinstance(error, WorkerError | StoreError)
            self._retry(job, what, str(error) if known else f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._busy.discard(job)

    def _sync_once(self, topic: TopicSettings) -> None:
        entrez = self._config.entrez
        with EntrezClient(
            email=entrez.email or "",
            api_key=entrez.api_key.get_secret_value() if entrez.api_key else None,
            tool=entrez.tool,
            base_url=entrez.base_url,
            timeout=entrez.timeout,
            stop=self._stop,
        ) as client:
            outcome = sync_topic(self._store, client, topic, stop=self._stop)
        if outcome.interrupted:
            return
        logger.info(
            "topic {}: {} new, {} revised, {} missing, {} failed",
            topic.name, outcome.new, outcome.revised, outcome.missing, outcome.failed,
        )  # fmt: skip
        for warning in outcome.warnings:
            logger.warning("topic {}: PubMed says: {}", topic.name, warning)

    def _mirror_once(self, settings: MirrorSettings) -> None:
        """One pass over the bulk files, in this process: a day brings no more than a file or two."""
        self._store.interrupt_runs()
        files = mirror_pass(
            self._store,
            Site(settings.base_url, stop=self._stop),
            settings.folder.expanduser(),
            keep=settings.keep,
            keep_raw=self._config.store.keep_raw,
            selection=Selection.of(settings.filter, abstracts=settings.abstracts),
            stop=self._stop,
        )
        with closing(files):
            for loaded in files:
                done = loaded.run
                logger.info(
                    "mirror: {}: {} new, {} revised, {} deleted, {} failed",
                    done.subject, done.new, done.revised, done.deleted, done.failed,
                )  # fmt: skip
        if not self._stop.is_set():
            logger.info("mirror: the store has all that the site has")

    def _retry(self, job_id: str, what: str, why: str) -> None:
        failures = self._failures[job_id] = self._failures.get(job_id, 0) + 1
        settings = self._config.daemon
        wait = min(settings.retry * 2 ** min(failures - 1, 20), settings.retry_most)
        logger.error(
            "{} failed ({} in a row): {}. Next try in {}", what, failures, why.rstrip("."), wait
        )
        if self._stop.is_set():
            return
        at = datetime.now(UTC) + wait
        job = self._scheduler.get_job(job_id)
        if job is not None and (job.next_run_time is None or job.next_run_time > at):
            job.modify(next_run_time=at)

    def _note_plans(self) -> None:
        """Tell the store of each topic when it comes, also of those that never were synced."""
        try:
            known = {topic.name for topic in self._store.topics()}
            for topic in self._config.topics:
                if topic.name not in known:  # what is known, a sync may be changing
                    self._store.topic(topic.name, topic.query)
                self._note_next(topic)
        except StoreError as error:
            logger.debug("next runs not noted: {}", error)

    def _note_next(self, topic: TopicSettings) -> None:
        job = self._scheduler.get_job(_job(topic.name)) if self._scheduler.running else None
        if job is None:
            return
        try:
            self._store.plan(topic.name, job.next_run_time)
        except StoreError as error:
            logger.debug("next run of {} not noted: {}", topic.name, error)


def _job(name: str) -> str:
    return f"topic:{name}"


def _jobs(config: Config) -> dict[str, TopicSettings | MirrorSettings]:
    jobs: dict[str, TopicSettings | MirrorSettings] = {_job(t.name): t for t in config.topics}
    if config.mirror.schedule:
        jobs[MIRROR] = config.mirror
    return jobs


def _trigger(settings: TopicSettings | MirrorSettings) -> Any:
    if settings.cron is not None:
        return cron_trigger(settings.cron)
    return IntervalTrigger(seconds=max(1, int(settings.interval / timedelta(seconds=1))))


def _next(settings: TopicSettings | MirrorSettings) -> datetime:
    found: datetime = _trigger(settings).get_next_fire_time(None, datetime.now(UTC))
    return found


def _notify(state: str) -> None:
    """Tell systemd, where it asked to be told (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        try:
            connection.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            connection.sendall(state.encode())
        except OSError as error:
            logger.debug("systemd was not told: {}", error)

"""What each command does. Every function answers the exit status of `worker.invocation`."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from grading import GRADER_VERSION, Article, Grade, grade_many
from grading.levels import SCHEMES
from grading.vocabulary import DESIGNS, FLAGS, QUESTIONS
from storage import Store
from storage.errors import CursorError, StoreError
from storage.exports import FORMATS
from storage.records import Query, Run, iso
from worker import logs, pages
from worker.config import Config, load_config
from worker.errors import ConfigError, SourceError, WorkerError
from worker.invocation import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_SOME_FAILED,
    EXIT_STORE,
    EXIT_USAGE,
    Invocation,
)
from worker.parsed import MalformedRecord, ParsedArticle

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from worker.entrez import EntrezClient
    from worker.intake import IntakeOutcome

BATCH = 500  # records a transaction
SLOW = 2.0  # seconds after which a person who watches sees progress
MOST_LISTED = 20  # failures printed one by one


def _say(message: str) -> None:
    print(message, file=sys.stderr)  # noqa: T201


def _emit(record: object) -> None:
    sys.stdout.write(msgspec.json.encode(record).decode() + "\n")


def _command(function: Callable[..., int]) -> Callable[..., int]:
    """Errors become one or two lines and the exit status of the contract; no traceback but with -v."""

    @wraps(function)
    def call(invocation: Invocation, *args: Any, **kwargs: Any) -> int:
        try:
            return function(invocation, *args, **kwargs)
        except KeyboardInterrupt:
            _say("interrupted; the work so far is kept")
            return EXIT_INTERRUPTED
        except BrokenPipeError:
            # Whoever read our output has seen enough (head, less).
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_DONE
        except WorkerError as error:
            if invocation.verbose:
                raise
            _say(f"pubgrade: {error}")
            return error.exit_status
        except CursorError as error:
            _say(f"pubgrade: {error}")
            return EXIT_USAGE
        except StoreError as error:
            if invocation.verbose:
                raise
            _say(f"pubgrade: {error}")
            return EXIT_STORE

    return call


def _config(invocation: Invocation, email: str | None = None) -> Config:
    config = load_config(
        Path(invocation.config) if invocation.config else None, store=invocation.store, email=email
    )
    level = "DEBUG" if invocation.verbose else "ERROR" if invocation.quiet else "WARNING"
    _set_up_logs(config, level)
    return config


def _set_up_logs(config: Config, level: str) -> None:
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


def _store(config: Config, *, create: bool = True) -> Store:
    return Store.open(config.store.url, keep_raw=config.store.keep_raw, create=create)


def _client(config: Config) -> EntrezClient:
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
def _progress(
    invocation: Invocation, label: str, total: int | None
) -> Iterator[Callable[[int], None]]:
    """Call the value with the number of records done; a bar appears only after `SLOW` seconds."""
    if not sys.stderr.isatty() or invocation.quiet or (invocation.json and not sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    bar: Progress | None = None
    task: TaskID | None = None
    started = time.monotonic()

    def show(done: int) -> None:
        nonlocal bar, task
        elapsed = time.monotonic() - started
        if bar is None and elapsed > SLOW:
            bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]:.0f}/s"),
                TimeRemainingColumn(),
                console=pages.console(err=True),
                transient=True,
            )
            bar.start()
            task = bar.add_task(label, total=total, rate=0.0)
        if bar is not None and task is not None:
            bar.update(task, completed=done, rate=done / elapsed)

    try:
        yield show
    finally:
        if bar is not None:
            bar.stop()


@contextmanager
def _ledger(store: Store, kind: str, subject: str) -> Iterator[list[Run]]:
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


def _counted(run: Run, outcome: IntakeOutcome, **more: int) -> Run:
    changes = {
        name: getattr(run, name) + len(getattr(outcome, name))
        for name in ("new", "revised", "unchanged", "stale", "failed", "deleted")
    }
    for name, value in more.items():
        changes[name] = changes.get(name, getattr(run, name)) + value
    return dataclasses.replace(run, **changes)


def _list_failures(failures: Iterable[tuple[int | None, str]]) -> int:
    number = 0
    for number, (pmid, why) in enumerate(failures, 1):
        if number <= MOST_LISTED:
            _say(f"failed: {f'PMID {pmid}' if pmid else 'a record without PMID'}: {why}")
    if number > MOST_LISTED:
        _say(f"… and {number - MOST_LISTED} more, all in the store's quarantine")
    return number


# --- commands --------------------------------------------------------------------------------------


def config_text() -> str:
    """The commented configuration: beside the packages in a checkout, inside them when installed."""
    here = Path(__file__).parent
    for place in (here / "config.toml", here.parent / "config.toml"):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise ConfigError("the packaged config.toml is missing: install pubgrade again")


@_command
def init(invocation: Invocation, *, path: str, force: bool) -> int:
    target = Path(path)
    text = config_text()
    if target.exists() and not force:
        raise ConfigError(f"{target} is there already; --force replaces it")
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from None
    if invocation.json:
        _emit({"written": str(target)})
    else:
        _say(
            f"Wrote {target}. Fill in [entrez] email (NCBI asks for it), and add a [[topics]] entry "
            "for `pubgrade sync` and `pubgrade run`."
        )
    return EXIT_DONE


def _read_pmids(words: Iterable[str], file: str | None) -> tuple[list[int], list[str]]:
    """PMIDs in the order given, without repeats; and what is none, with where it stands."""
    given = [(word, "") for word in words]
    if file is not None:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SourceError(f"{file}: cannot be read: {reason}.") from None
        name = "standard input" if file == "-" else file
        given += [
            (word, f" ({name}, line {number})")
            for number, line in enumerate(text.splitlines(), 1)
            for word in re.split(r"[\s,;]+", line.partition("#")[0])
            if word
        ]
    good: dict[int, None] = {}
    bad: list[str] = []
    for word, where in given:
        plain = re.sub(r"^PMID:?\s*", "", word, flags=re.IGNORECASE)
        if plain.isascii() and plain.isdigit() and 0 < int(plain) < 10**9:
            good[int(plain)] = None
        else:
            bad.append(f"{word!r}{where}")
    return list(good), bad


@_command
def fetch(invocation: Invocation, *, pmids: list[str], file: str | None, email: str | None) -> int:
    from worker.fetch import fetch_articles
    from worker.intake import Intake

    asked, bad = _read_pmids(pmids, file)
    for word in bad:
        _say(f"not a PMID: {word}. A PMID is a number such as 33301246.")
    if not asked:
        if not bad:
            _say("pubgrade: no PMIDs given. Name some, or use --file with one PMID a line.")
        return EXIT_USAGE
    config = _config(invocation, email)
    client = _client(config)
    missing: list[int] = []
    failures: list[tuple[int | None, str]] = []
    stored: list[int] = []
    with client, _store(config) as store:
        intake = Intake(store, source="fetch")
        with (
            _ledger(store, "fetch", f"{len(asked)} PMIDs") as row,
            _progress(invocation, "Fetching", len(asked)) as show_done,
        ):
            for batch in fetch_articles(client, asked):
                outcome = intake.take([*batch.parsed, *batch.failed])
                row[0] = _counted(
                    row[0],
                    outcome,
                    asked=len(batch.asked),
                    returned=len(batch.asked) - len(batch.missing) - len(batch.failed),
                    missing=len(batch.missing),
                    requests=client.requests - row[0].requests,
                )
                missing += batch.missing
                failures += [(item.pmid, item.error) for item in outcome.failed]
                stored += [p for p in batch.asked if p not in batch.missing]
                show_done(row[0].asked)
        _show_stored(invocation, store, stored)
        known = store.get_many(missing) if missing else {}
        for pmid in missing:
            record = known.get(pmid)
            if record is None:
                _say(f"not found: PMID {pmid} is not in PubMed. Check the number.")
            elif record.deleted_at:
                _say(f"not found: PMID {pmid} was deleted by NLM; the store keeps what it was.")
            else:
                _say(f"not found: PMID {pmid} is no longer in PubMed; the store keeps what it was.")
    _list_failures(failures)
    return EXIT_SOME_FAILED if bad or missing or failures else EXIT_DONE


def _show_stored(invocation: Invocation, store: Store, pmids: list[int]) -> None:
    if invocation.json:
        for start in range(0, len(pmids), BATCH):
            part = pmids[start : start + BATCH]
            records = store.get_many(part)
            for pmid in part:
                if pmid in records:
                    _emit(records[pmid].to_json())
    elif pmids and not invocation.quiet:
        shown = store.get_many(pmids[:50])
        pages.console().print(pages.record_table([shown[p] for p in pmids[:50] if p in shown]))
        if len(pmids) > 50:
            _say(f"… and {len(pmids) - 50} more. `pubgrade query` searches them.")


@_command
def sync(invocation: Invocation, *, topics: list[str], email: str | None) -> int:
    from worker.sync import SyncProgress, sync_topic

    config = _config(invocation, email)
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
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    status = EXIT_DONE
    errors: list[WorkerError] = []
    with _store(config) as store:
        for topic in (by_name[name] for name in topics or by_name):
            with _client(config) as client, _progress(invocation, topic.name, None) as show_done:

                def watch(progress: SyncProgress, show_done: Any = show_done) -> None:
                    show_done(progress.done)

                try:
                    outcome = sync_topic(store, client, topic, stop=stop, progress=watch)
                except WorkerError as error:  # one topic that fails never stops the others
                    _say(f"topic {topic.name}: {error}")
                    errors.append(error)
                    continue
            for warning in outcome.warnings:
                _say(f"topic {topic.name}: PubMed says: {warning}")
            if _list_failures(outcome.failures):
                status = EXIT_SOME_FAILED
            if invocation.json:
                _emit(
                    {
                        name: getattr(outcome, name)
                        for name in (
                            "topic", "asked", "returned", "new", "revised", "unchanged", "stale",
                            "missing", "failed", "requests", "seconds", "interrupted",
                        )
                    }
                )  # fmt: skip
            elif not invocation.quiet:
                sys.stdout.write(
                    f"{outcome.topic}: {outcome.new:,} new, {outcome.revised:,} revised, "
                    f"{outcome.unchanged:,} unchanged, {outcome.missing:,} missing, "
                    f"{outcome.failed:,} failed ({outcome.requests} requests, {outcome.seconds:.0f} s)\n"
                )
            if outcome.interrupted or stop.is_set():
                _say("interrupted; the work so far is kept")
                return EXIT_INTERRUPTED
    if errors:
        return max(error.exit_status for error in errors)
    return status


@_command
def run(invocation: Invocation) -> int:
    from worker.schedule import Daemon

    config = load_config(
        Path(invocation.config) if invocation.config else None, store=invocation.store
    )
    _set_up_logs(config, "DEBUG" if invocation.verbose else config.log.level)
    if config.entrez.email is None:
        raise ConfigError(
            "the daemon does not start without an e-mail address: NCBI asks for it.\n"
            "Fill in [entrez] email in config.toml, or set PUBGRADE_EMAIL."
        )
    if not config.topics:
        raise ConfigError(
            f"{config.path or 'no configuration'}: no topics to keep up with. Add a [[topics]] entry with "
            "name and query (`pubgrade init` writes an example)."
        )

    def reload() -> Config:
        return load_config(
            Path(invocation.config) if invocation.config else None, store=invocation.store
        )

    with _store(config) as store:
        return Daemon(store, config, reload).run()


@_command
def load(invocation: Invocation, *, sources: list[str]) -> int:
    from worker.files import list_sources, read_source
    from worker.intake import Intake

    found = list_sources(sources)
    config = _config(invocation)
    status = EXIT_DONE
    with _store(config) as store, _progress(invocation, "Loading", None) as show_done:
        loaded = 0
        for source in found:
            intake = Intake(store, source=source)
            failures: list[tuple[int | None, str]] = []
            fault: SourceError | None = None
            with _ledger(store, "load", source) as row:
                reader = read_source(source)
                while True:
                    batch: list[Any] = []
                    try:
                        for item in islice(reader, BATCH):
                            batch.append(item)  # noqa: PERF402 (a fault must not lose the batch)
                    except SourceError as error:
                        fault = error
                    if batch:
                        outcome = intake.take(batch)
                        came = sum(isinstance(item, ParsedArticle) for item in batch)
                        row[0] = _counted(row[0], outcome, asked=len(batch), returned=came)
                        failures += [(item.pmid, item.error) for item in outcome.failed]
                        loaded += len(batch)
                        show_done(loaded)
                    if fault is not None or len(batch) < BATCH:
                        break
                if fault is not None:
                    row[0] = dataclasses.replace(row[0], state="failed", error=str(fault))
            done = row[0]
            if fault is not None:
                _say(f"pubgrade: {fault}")
                status = EXIT_SOME_FAILED
            if _list_failures(failures):
                status = EXIT_SOME_FAILED
            if invocation.json:
                _emit(
                    {
                        "source": source,
                        "new": done.new,
                        "revised": done.revised,
                        "unchanged": done.unchanged,
                        "stale": done.stale,
                        "deleted": done.deleted,
                        "failed": done.failed,
                        "seconds": done.seconds,
                        "error": done.error,
                    }
                )
            elif not invocation.quiet:
                rate = done.returned / done.seconds if done.seconds else 0
                sys.stdout.write(
                    f"{source}: {done.new:,} new, {done.revised:,} revised, {done.unchanged:,} unchanged, "
                    f"{done.stale:,} older than stored, {done.deleted:,} deleted, {done.failed:,} failed "
                    f"({rate:,.0f} records a second)\n"
                )
    return status


@_command
def grade(invocation: Invocation, *, source: str) -> int:
    from worker.files import list_sources, read_source

    failures: list[tuple[int | None, str]] = []
    fault: SourceError | None = None
    for one in list_sources([source]):
        batch: list[Article] = []
        try:
            for item in read_source(one):
                if isinstance(item, MalformedRecord):
                    failures.append((item.pmid, item.error))
                elif isinstance(item, ParsedArticle):
                    batch.append(item.article)
                if len(batch) == BATCH:
                    _emit_graded(batch)
                    batch = []
        except SourceError as error:
            fault = error
            _say(f"pubgrade: {error}")
        _emit_graded(batch)
    return EXIT_SOME_FAILED if _list_failures(failures) or fault else EXIT_DONE


def _emit_graded(articles: list[Article]) -> None:
    for article, given in zip(articles, grade_many(articles), strict=True):
        _emit(_graded(article, given))


def _graded(article: Article, given: Grade) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(article)
    record.update(msgspec.to_builtins(given))
    record["graded_at"] = iso(datetime.now(UTC))
    record["topics"] = []
    return record


def _query(filters: dict[str, Any]) -> Query:
    """The filters of the command line as a `Query`. Raises ConfigError for what is none."""
    known: tuple[tuple[str, Iterable[str], Iterable[str]], ...] = (
        ("--scheme", [filters["scheme"]], SCHEMES),
        ("--design", filters["design"], DESIGNS),
        ("--question", [filters["question"]] if filters["question"] else [], QUESTIONS),
        ("--flag", filters["flag"], FLAGS),
        ("--not-flag", filters["not_flag"], FLAGS),
        ("--sort", [filters["sort"]], ("relevance", "level", "date", "added")),
    )
    for option, values, names in known:
        for value in values:
            if value not in names:
                raise ConfigError(f"{option} {value}: unknown{_nearest(value, names)}")
    for name in ("since", "until"):
        if filters[name] and not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", filters[name]):
            raise ConfigError(f"--{name} {filters[name]}: a date is 2020, 2020-12 or 2020-12-14")
    added = filters["added_since"]
    try:
        added_since = date.fromisoformat(added) if added else None
    except ValueError:
        raise ConfigError(f"--added-since {added}: a day is 2020-12-14") from None
    level = None
    if filters["level"]:
        low, high = _level_range(filters["level"], filters["scheme"])
        level = (low, high)
    return Query(
        words=filters["words"],
        level=level,
        scheme=filters["scheme"],
        designs=tuple(filters["design"]),
        question=filters["question"],
        topic=filters["topic"],
        journal=filters["journal"],
        author=filters["author"],
        mesh=filters["mesh"],
        since=filters["since"],
        until=filters["until"],
        added_since=added_since,
        flags=tuple(filters["flag"]),
        not_flags=tuple(filters["not_flag"]),
        min_n=filters["min_n"],
        sort=filters["sort"],
        limit=filters["limit"],
        after=filters["after"],
    )


_LEVELS: dict[str, tuple[str, ...]] = {
    "ocebm_2011": ("1", "2", "3", "4", "5"),
    "ocebm_2009": ("1a", "1b", "1c", "2a", "2b", "2c", "3a", "3b", "4", "5"),
    "grade_start": ("high", "moderate", "low", "very low"),
    "sort": ("1", "2", "3"),
    "nhmrc": ("I", "II", "III-1", "III-2", "III-3", "IV"),
}


def _level_range(text: str, scheme: str) -> tuple[str, str]:
    levels = {level.lower(): level for level in _LEVELS[scheme]}
    if text.lower() in levels:
        return levels[text.lower()], levels[text.lower()]
    for place in (match.start() for match in re.finditer("-", text)):
        low, high = text[:place].strip().lower(), text[place + 1 :].strip().lower()
        if low in levels and high in levels:
            order = list(levels)
            first, last = sorted((low, high), key=order.index)
            return levels[first], levels[last]
    raise ConfigError(
        f"--level {text}: the levels of {scheme} are {', '.join(_LEVELS[scheme])}; a range is "
        f"{_LEVELS[scheme][0]}-{_LEVELS[scheme][1]}"
    )


def _nearest(value: str, names: Iterable[str]) -> str:
    from rapidfuzz import process

    found = process.extractOne(value, list(names), score_cutoff=60)
    return f"; did you mean {found[0]}?" if found else f"; known are {', '.join(names)}"


@_command
def query(invocation: Invocation, *, filters: dict[str, Any], count_by: str | None) -> int:
    wanted = _query(filters)
    axes = ("design", "level", "year", "journal", "topic")
    if count_by is not None and count_by not in axes:
        raise ConfigError(f"--count-by {count_by}: one of {', '.join(axes)}")
    with _store(_config(invocation), create=False) as store:
        if count_by is not None:
            counts = store.count_by(wanted, count_by)
            if invocation.json:
                for name, count in counts:
                    _emit({count_by: name, "count": count})
            else:
                pages.console().print(pages.counts_table(counts, count_by))
            return EXIT_DONE
        page = store.search(wanted)
        if invocation.json:
            for record in page.records:
                _emit(record.to_json())
            if page.next_cursor:
                _say(f"next page: --after {page.next_cursor}")
            return EXIT_DONE
        if not page.records:
            _say(
                "Nothing found. Fewer words or filters find more; `pubgrade status` counts the store."
            )
            return EXIT_DONE
        pages.console().print(pages.record_table(page.records))
        if page.next_cursor and not invocation.quiet:
            _say(f"\nThere is more: --after {page.next_cursor}")
    return EXIT_DONE


def _one_pmid(text: str) -> int:
    good, bad = _read_pmids([text], None)
    if bad:
        raise ConfigError(f"not a PMID: {bad[0]}. A PMID is a number such as 33301246.")
    return good[0]


@_command
def show(invocation: Invocation, *, pmid: str, history: bool) -> int:
    number = _one_pmid(pmid)
    with _store(_config(invocation), create=False) as store:
        record = store.get(number)
        if record is None:
            _say(
                f"PMID {number} is not in the store. `pubgrade fetch {number}` gets it from PubMed."
            )
            return EXIT_SOME_FAILED
        changes = store.history(number) if history or invocation.json else []
        if invocation.json:
            found = record.to_json()
            if history:
                found["history"] = [
                    {"at": iso(c.at), "what": c.what, "version": c.version, "summary": c.summary}
                    for c in changes
                ]
            _emit(found)
        else:
            pages.console().print(pages.record_page(record, changes))
    return EXIT_DONE


@_command
def explain(invocation: Invocation, *, pmid: str, scheme: str) -> int:
    if scheme not in SCHEMES:
        raise ConfigError(f"--scheme {scheme}: unknown{_nearest(scheme, SCHEMES)}")
    number = _one_pmid(pmid)
    with _store(_config(invocation), create=False) as store:
        record = store.get(number)
    if record is None:
        _say(f"PMID {number} is not in the store. `pubgrade fetch {number}` gets it from PubMed.")
        return EXIT_SOME_FAILED
    if invocation.json:
        grade_json = msgspec.to_builtins(record.grade)
        _emit(
            {
                "pmid": number,
                "scheme": scheme,
                "level": grade_json["levels"][scheme],
                "steps": [s for s in grade_json["level_steps"] if s["scheme"] == scheme],
                "reasons": grade_json["reasons"],
            }
        )
    else:
        pages.console().print(pages.explanation(record, scheme))
    return EXIT_DONE


@_command
def schemes(invocation: Invocation, *, scheme: str | None) -> int:
    from rich import box
    from rich.table import Table

    from grading.levels import schemes as tables

    if scheme is not None and scheme not in SCHEMES:
        raise ConfigError(f"{scheme}: unknown{_nearest(scheme, SCHEMES)}")
    for table in tables().values():
        if scheme is not None and table.id != scheme:
            continue
        if invocation.json:
            _emit(
                {
                    "scheme": table.id,
                    "title": table.title,
                    "source": table.source,
                    "rows": [
                        {"id": row.id, "level": row.level, "text": row.text} for row in table.rows
                    ],
                }
            )
            continue
        shown = Table(
            title=table.title, caption=table.source, box=box.SIMPLE_HEAD, title_justify="left",
            caption_justify="left",
        )  # fmt: skip
        for column in ("Level", "What", "Designs", "Question"):
            shown.add_column(column)
        for row in table.rows:
            shown.add_row(
                "–" if row.level is None else str(row.level),
                row.text,
                ", ".join(name for name in DESIGNS if name in row.designs),
                ", ".join(name for name in QUESTIONS if name in row.questions) or "any",
            )
        pages.console().print(shown)
    return EXIT_DONE


@_command
def export(
    invocation: Invocation, *, file: str, format: str | None, filters: dict[str, Any]
) -> int:
    suffix = Path(file).suffix.lstrip(".").lower()
    name = format or (suffix if suffix in FORMATS else "jsonl" if file == "-" else "")
    if name not in FORMATS:
        raise ConfigError(
            f"{file}: the format cannot be told. Use a name that ends in "
            f"{' or '.join(f.suffix for f in FORMATS.values())}, or --format {'|'.join(FORMATS)}."
        )
    wanted = dataclasses.replace(_query(filters), limit=filters["limit"])
    write = FORMATS[name].write
    with _store(_config(invocation), create=False) as store:
        if file == "-":
            write(store.records(wanted), sys.stdout)
            return EXIT_DONE
        part = Path(f"{file}.part")
        try:
            with part.open("w", encoding="utf-8", newline="") as stream:
                written = write(store.records(wanted), stream)
            part.replace(file)
        except OSError as error:
            raise ConfigError(f"{file}: cannot be written: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)
    if invocation.json:
        _emit({"file": file, "format": name, "records": written})
    elif not invocation.quiet:
        _say(f"Wrote {written:,} records to {file}.")
    return EXIT_DONE


@_command
def regrade(invocation: Invocation, *, everything: bool) -> int:
    started = time.monotonic()
    with _store(_config(invocation), create=False) as store:
        counts = store.counts(GRADER_VERSION)
        total = counts.articles if everything else counts.outdated_grades
        changed = done = 0
        with (
            _ledger(store, "regrade", f"grader {GRADER_VERSION}") as row,
            _progress(invocation, "Regrading", total) as show_done,
        ):
            after = 0
            while batch := store.articles(
                after=after, limit=BATCH, outdated_for=None if everything else GRADER_VERSION
            ):
                notices = store.notices_about([article.pmid for article, _ in batch])
                grades = grade_many([article for article, _ in batch], notices=notices)
                outcome = store.regrade(
                    (article.pmid, given) for (article, _), given in zip(batch, grades, strict=True)
                )
                changed += len(outcome.regraded)
                done += len(batch)
                after = batch[-1][0].pmid
                row[0] = dataclasses.replace(
                    row[0], asked=done, returned=done, revised=changed, unchanged=done - changed
                )
                show_done(done)
    seconds = time.monotonic() - started
    if invocation.json:
        _emit({"regraded": done, "changed": changed, "seconds": round(seconds, 3)})
    else:
        sys.stdout.write(
            f"{done:,} records graded again, {changed:,} grades changed ({seconds:.0f} s)\n"
        )
    return EXIT_DONE


@_command
def status(invocation: Invocation) -> int:
    config = _config(invocation)
    now = datetime.now(UTC)
    with _store(config, create=False) as store:
        counts, topics = store.counts(GRADER_VERSION), store.topics()
        runs, heartbeat = store.runs(limit=10), store.heartbeat()
        if invocation.json:
            _emit(
                {
                    "store": store.url,
                    "counts": counts,
                    "topics": topics,
                    "runs": runs,
                    "daemon": {"state": pages.daemon_state(heartbeat, now), "heartbeat": heartbeat},
                    "grader_version": GRADER_VERSION,
                }
            )
        else:
            pages.console().print(
                pages.status_page(store.url, counts, topics, runs, heartbeat, now)
            )
    return EXIT_DONE

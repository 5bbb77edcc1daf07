"""`pubgrade mirror` and `pubgrade verify`."""

from __future__ import annotations

import sys
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grading import Article
from grading.abridgement import abridged
from worker.config import Config
from worker.errors import ConfigError
from worker.invocation import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SOME_FAILED, Invocation
from worker.mirror import Plan, chosen, done_files, plan
from worker.mirror import mirror as mirrored
from worker.nlm_site import Site
from worker.parsed import ParsedArticle
from worker.processes import cores
from worker.selection import Selection
from worker.tasks.datasets import fill_dataset, open_dataset
from worker.tasks.files import show_loaded, stop_on_signals
from worker.tasks.output import emit, list_failures, progress, say
from worker.tasks.session import open_client, open_config, open_store, task
from worker.tasks.workers import on_cluster

if TYPE_CHECKING:
    from worker.dataset import Dataset

_SIZED = 12  # files whose size is asked for; the others are taken to be like them


@task
def mirror(
    invocation: Invocation,
    *,
    dry_run: bool,
    workers: int | None,
    cluster: str | None,
    spool: str | None,
    filter: str | None,
    parquet: str | None,
    abstracts: bool,
) -> int:
    config = open_config(invocation)
    selection = Selection.of(
        config.mirror.filter if filter is None else filter,
        abstracts=config.mirror.abstracts and abstracts,
    )
    stop = stop_on_signals()
    site = Site(config.mirror.base_url, stop=stop)
    if parquet is not None:
        if selection is not None and selection.filter:
            raise ConfigError(
                f"--filter {selection.filter}: --parquet keeps all of PubMed; filter what you read from it"
            )
        with open_dataset(invocation, parquet, spool) as dataset:
            return _mirror_dataset(
                invocation, config, dataset, site, dry_run, workers or cores(), cluster, stop
            )
    status = EXIT_DONE
    with open_store(config) as store:
        if dry_run:
            done = done_files(store)
            selection = chosen(done, selection)
            runs = [run for kind in ("mirror", "load") for run in store.runs(kind=kind, limit=50)]
            took = [run.seconds for run in runs if run.state == "done" and run.returned >= 1000]
            _show_plan(invocation, took, site, plan(site.files(), set(done)), selection)
            return EXIT_DONE
        store.interrupt_runs()
        with (
            on_cluster(cluster, workers or cores()) as client,
            progress(invocation, "Mirroring", None) as show_done,
            closing(
                mirrored(
                    store,
                    site,
                    folder_of(config),
                    keep=config.mirror.keep,
                    keep_raw=config.store.keep_raw,
                    selection=selection,
                    workers=workers or cores(),
                    cluster=client,
                    spool=Path(spool) if spool else None,
                    stop=stop,
                    progress=show_done,
                )
            ) as all_loaded,
        ):
            for loaded in all_loaded:
                show_loaded(invocation, loaded)
                if list_failures(loaded.failures, source=loaded.run.subject):
                    status = EXIT_SOME_FAILED
    if stop.is_set():
        say("interrupted; the work so far is kept")
        return EXIT_INTERRUPTED
    return status


def _mirror_dataset(
    invocation: Invocation,
    config: Config,
    dataset: Dataset,
    site: Site,
    dry_run: bool,
    workers: int,
    cluster: str | None,
    stop: threading.Event,
) -> int:
    from worker.dataset_mirror import mirror_dataset, plan_of

    if dry_run:
        took = [each.seconds / workers for each in dataset.entries if each.records >= 1000]
        _show_plan(invocation, took, site, plan_of(dataset, site), None)
        return EXIT_DONE
    with on_cluster(cluster, workers) as client:
        add = partial(mirror_dataset, dataset, site, folder_of(config), keep=config.mirror.keep)
        return fill_dataset(invocation, dataset, add, client=client, workers=workers, stop=stop)


def folder_of(config: Config) -> Path:
    return config.mirror.folder.expanduser()


def _show_plan(
    invocation: Invocation,
    took: list[float],
    site: Site,
    work: Plan,
    selection: Selection | None,
) -> None:
    """`took`: seconds of each of the last files; without any nobody knows yet."""
    step = max(1, len(work.todo) // _SIZED)
    sizes = [site.size(file) for file in work.todo[::step]]
    size = sum(sizes) * len(work.todo) // max(1, len(sizes))
    seconds = round(sum(took) / len(took) * len(work.todo)) if took and work.todo else None
    if invocation.json:
        emit(
            {
                "files": len(work.todo),
                "bytes": size,
                "seconds": seconds,
                "first": work.todo[0].name if work.todo else None,
                "last": work.todo[-1].name if work.todo else None,
                "filter": selection.filter if selection else "",
                "abstracts": selection is None or selection.abstracts,
                "gap": work.gap,
            }
        )
        return
    if not work.todo:
        sys.stdout.write("Nothing to load: all that the site has is there.\n")
    else:
        sys.stdout.write(
            f"{len(work.todo):,} files to load, {work.todo[0].name} to {work.todo[-1].name}: "
            f"about {size / 1e9:,.2f} GB to download"
            + (f", about {seconds / 3600:.1f} h at the pace of the last files" if seconds else "")
            + ".\n"
        )
    if selection:
        sys.stdout.write(f"Of it the store keeps {selection}.\n")
    if work.gap:
        say(f"pubgrade: {work.gap}")


@task
def verify(invocation: Invocation, *, sample: int, email: str | None) -> int:
    from worker.fetch import fetch_articles

    config = open_config(invocation, email)
    differing = compared = 0
    with (
        open_store(config, create=False) as store,
        open_client(config) as client,
        progress(invocation, "Verifying", sample) as show_done,
    ):
        for batch in fetch_articles(client, store.sample(sample)):
            stored = store.get_many(batch.asked)
            newest: dict[int, Article] = {}
            for item in batch.parsed:
                if isinstance(item, ParsedArticle):
                    known = newest.get(item.article.pmid)
                    if known is None or item.article.version >= known.version:
                        newest[item.article.pmid] = item.article
            for pmid in batch.asked:
                if pmid in newest:
                    compared += 1
                    record = stored[pmid]
                    present = newest[pmid]
                    if record.article.abridged:
                        present, _ = abridged(present, record.grade)
                    fields = _differences(record.article, present)
                else:
                    fields = ["not in PubMed" if pmid in batch.missing else "not readable"]
                if not fields:
                    continue
                differing += 1
                if invocation.json:
                    emit({"pmid": pmid, "differs": fields})
                else:
                    sys.stdout.write(f"PMID {pmid}: {', '.join(fields)}\n")
            show_done(compared)
    if not invocation.json and not invocation.quiet:
        say(f"{compared:,} records compared with PubMed, {differing:,} differ.")
    return EXIT_SOME_FAILED if differing else EXIT_DONE


def _differences(stored: Article, present: Article) -> list[str]:
    """Names of the fields that differ; only that a revision is due, where PubMed has a newer one."""
    ours = (stored.version, stored.revised or "")
    theirs = (present.version, present.revised or "")
    if ours != theirs:
        newer = "PubMed has a newer revision" if theirs > ours else "the store has a newer revision"
        return [f"{newer} ({theirs[1] or '?'}, stored {ours[1] or '?'})"]
    one, other = msgspec.to_builtins(stored), msgspec.to_builtins(present)
    return [name for name in one if one[name] != other[name]]

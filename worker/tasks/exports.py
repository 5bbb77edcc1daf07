"""`pubgrade export`."""

from __future__ import annotations

import dataclasses
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from storage.exports import FORMATS
from worker.errors import ConfigError
from worker.filters import query_of
from worker.invocation import EXIT_DONE, Invocation
from worker.processes import cores
from worker.tasks.output import emit, progress, say
from worker.tasks.session import open_config, open_store, task
from worker.tasks.workers import MANY, executor_for


@task
def export(
    invocation: Invocation,
    *,
    file: str,
    format: str | None,
    workers: int | None,
    cluster: str | None,
    filters: dict[str, Any],
) -> int:
    suffix = Path(file).suffix.lstrip(".").lower()
    name = format or (suffix if suffix in FORMATS else "jsonl" if file == "-" else "")
    if name == "parquet":
        return _export_parquet(invocation, Path(file), filters, workers, cluster)
    if workers or cluster:
        raise ConfigError("--workers and --cluster write Parquet only: --format parquet")
    if name not in FORMATS:
        raise ConfigError(
            f"{file}: the format cannot be told. Use a name that ends in "
            f"{' or '.join(f.suffix for f in FORMATS.values())}, or --format {'|'.join((*FORMATS, 'parquet'))}."
        )
    wanted = dataclasses.replace(query_of(filters), limit=filters["limit"])
    write = FORMATS[name].write
    with open_store(open_config(invocation), create=False) as store:
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
        emit({"file": file, "format": name, "records": written})
    elif not invocation.quiet:
        say(f"Wrote {written:,} records to {file}.")
    return EXIT_DONE


def _export_parquet(
    invocation: Invocation,
    folder: Path,
    filters: dict[str, Any],
    workers: int | None,
    cluster: str | None,
) -> int:
    if find_spec("pyarrow") is None:
        raise ConfigError("Parquet needs pyarrow: pip install 'pubgrade[parquet]'")
    from worker.parquet_export import export_parquet

    wanted = dataclasses.replace(query_of(filters), limit=filters["limit"])
    with open_store(open_config(invocation), create=False) as store:
        if cluster not in (None, "local") and store.url.startswith("sqlite"):
            raise ConfigError(
                f"--cluster {cluster}: other machines cannot read {store.url}. "
                "Use --workers N, or a store in PostgreSQL."
            )
        pmids = sorted(store.pmids(wanted))
        workers = workers or (cores() if len(pmids) >= MANY else 1)
        try:
            with (
                executor_for(cluster, workers) as (executor, able),
                progress(invocation, "Exporting", len(pmids)) as show_done,
            ):
                written = export_parquet(
                    store, pmids, folder, executor=executor, workers=able, progress=show_done
                )
        except FileExistsError:
            raise ConfigError(
                f"{folder}: holds other things than an earlier export. Choose a new folder."
            ) from None
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from None
    if invocation.json:
        emit({"file": str(folder), "format": "parquet", "records": written})
    elif not invocation.quiet:
        say(f"Wrote {written:,} records below {folder}.")
    return EXIT_DONE

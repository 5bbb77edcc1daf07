"""`pubgrade export`."""

from __future__ import annotations

import dataclasses
import sys
from importlib.util import find_spec
from io import TextIOWrapper
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
    if format == "parquet":
        return _export_parquet(invocation, Path(file), filters, workers, cluster)
    if workers or cluster:
        raise ConfigError("--workers and --cluster write Parquet only: --format parquet")
    name = _format_of(file, format)
    wanted = dataclasses.replace(query_of(filters), limit=filters["limit"])
    write = FORMATS[name].write
    with open_store(open_config(invocation), create=False) as store:
        if file == "-":
            if isinstance(sys.stdout, TextIOWrapper):  # UTF-8 as in a file, whatever the locale
                sys.stdout.reconfigure(encoding="utf-8", newline="")
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


def _format_of(file: str, format: str | None) -> str:
    """The name in FORMATS. Raises ConfigError where it is not told."""
    if format in FORMATS:
        return format
    if format is not None:
        raise ConfigError(f"--format {format}: there is no such format. {_CHOICE}")
    if file == "-":
        return "jsonl"
    suffix = Path(file).suffix.lower()
    for name, each in FORMATS.items():
        if each.suffix == suffix:
            return name
    raise ConfigError(f"{file}: the format cannot be told. {_CHOICE}")


_CHOICE = (
    "Use a name that ends in "
    f"{', '.join(f'{each.suffix} ({name})' for name, each in FORMATS.items())}; "
    f"or --format {'|'.join((*FORMATS, 'parquet'))}."
)


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

"""What people look at: tables of records, one record as a page, the state of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from grading.grades import Grade, Reason
from grading.vocabulary import ATTRIBUTES, DESIGNS, FLAGS, QUESTIONS
from storage.records import Change, Heartbeat, Record, Run, StoreCounts, TopicState

LOUD = frozenset({"retracted", "expression_of_concern", "withdrawn"})
SCHEME_NAMES = {
    "ocebm_2011": "OCEBM 2011",
    "ocebm_2009": "OCEBM 2009",
    "grade_start": "GRADE starting certainty",
    "sort": "SORT",
    "nhmrc": "NHMRC",
}
DAEMON_SILENT = 180.0  # seconds without a heartbeat after which the daemon counts as gone


def record_table(records: Sequence[Record]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("PMID", justify="right", no_wrap=True)
    table.add_column("Year", no_wrap=True)
    table.add_column("Design", max_width=24)
    table.add_column("Level", justify="center", no_wrap=True)
    table.add_column("Conf.", justify="right", no_wrap=True)
    table.add_column("Title", ratio=1)
    for record in records:
        grade = record.grade
        level = grade.levels.ocebm_2011
        title = Text()
        for flag in grade.flags:
            if flag in LOUD:
                title.append(f"{FLAGS[flag].label} ", style="bold red")
        if record.deleted_at:
            title.append("DELETED FROM PUBMED ", style="bold red")
        title.append(record.article.title or "(no title)")
        table.add_row(
            str(record.article.pmid),
            (record.article.published or "")[:4],
            Text(grade.design_label),
            "–" if level is None else str(level),
            f"{grade.confidence:.0%}",
            title,
        )
    return table


def record_page(record: Record, history: Sequence[Change] = ()) -> Group:
    """One record, for a clinician to read at a glance; warnings first."""
    article, grade = record.article, record.grade
    parts: list[RenderableType] = []
    for flag in grade.flags:
        if flag in LOUD:
            term = FLAGS[flag]
            why = next((r.value for r in grade.reasons if r.speaks_for == flag), "")
            body = Text(f"{term.label}: {term.meaning}. {why}".strip(), style="bold white on red")
            parts.append(Panel(body, style="bold red", box=box.HEAVY))
    if record.deleted_at:
        parts.append(Panel(Text("DELETED: NLM removed this record from PubMed."), style="bold red"))
    parts.append(Text(article.title or "(no title)", style="bold"))
    parts.append(Text(_citation(record), style="dim"))
    parts.append(Padding(_verdict(grade), (1, 0)))
    parts.append(_reasons(grade))
    details = _details(grade)
    if details is not None:
        parts += [Text(), Text("Details", style="bold"), details]
    parts += [Text(), Text("Abstract", style="bold")]
    if not article.abstract:
        parts.append(Text("(none)", style="dim"))
    for section in article.sections:
        line = Text()
        if section.label:
            line.append(f"{section.label}: ", style="bold")
        line.append(section.text)
        parts.append(line)
    if history:
        parts += [Text(), Text("History", style="bold"), history_table(history)]
    return Group(*parts)


def _citation(record: Record) -> str:
    article = record.article
    names = [author.name for author in article.authors[:3]]
    if len(article.authors) > 3:
        names.append("et al.")
    where = " ".join(
        part for part in (article.journal, article.published_text or article.published) if part
    )
    ids = f"PMID {article.pmid}" + (f" · doi {article.doi}" if article.doi else "")
    return " · ".join(part for part in (", ".join(names), where, ids) if part)


def _verdict(grade: Grade) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row(
        "Design", Text(f"{grade.design_label}  ({grade.confidence:.0%} sure)", "bold cyan")
    )
    level = grade.levels.ocebm_2011
    shown = "no level" if level is None else f"{level} of 5"
    table.add_row("Level (OCEBM 2011)", Text(shown, "bold cyan"))
    for step in grade.level_steps:
        if step.scheme == "ocebm_2011":
            arrow = "" if step.before is None else f"{step.before} → {step.after}: "
            table.add_row("", Text(arrow + step.text))
    others = [
        f"{SCHEME_NAMES[name]} {getattr(grade.levels, name)}"
        for name in ("ocebm_2009", "grade_start", "sort", "nhmrc")
        if getattr(grade.levels, name) is not None
    ]
    if others:
        table.add_row("Other schemes", Text(" · ".join(others)))
    if grade.stated_level:
        scheme = f" ({grade.stated_level.scheme})" if grade.stated_level.scheme else ""
        table.add_row("Stated by authors", Text(f"“{grade.stated_level.text}”{scheme}"))
    if grade.question != "none":
        table.add_row("Question", Text(QUESTIONS[grade.question].label))
    if grade.attributes:
        table.add_row(
            "Attributes", Text(", ".join(ATTRIBUTES[name].label for name in grade.attributes))
        )
    quiet = [name for name in grade.flags if name not in LOUD]
    if quiet:
        table.add_row(
            "Note",
            Text("; ".join(f"{FLAGS[n].label}: {FLAGS[n].meaning}" for n in quiet), "yellow"),
        )
    return table


def _reasons(grade: Grade) -> RenderableType:
    table = Table(
        title="Why", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("Quote", ratio=2)
    table.add_column("Where", no_wrap=True)
    table.add_column("Speaks for", ratio=1)
    table.add_column("Weight", justify="right", no_wrap=True)
    for reason in grade.reasons:
        table.add_row(
            Text(f"“{reason.value}”" if reason.kind == "text" else reason.value),
            _place(reason),
            Text(_target(reason.speaks_for)),
            f"{reason.weight:+.1f}" if reason.weight else "",
        )
    return table


def _place(reason: Reason) -> str:
    if reason.kind == "text":
        return f"{reason.field} {reason.start}–{reason.end}"
    return reason.kind.replace("_", " ")


def _target(target: str) -> str:
    for vocabulary in (DESIGNS, ATTRIBUTES, FLAGS):
        if target in vocabulary:
            return vocabulary[target].label
    kind, _, name = target.partition(":")
    if kind == "question":
        return f"Question: {QUESTIONS[name].label.lower()}"
    return target.replace(":", ": ").replace("_", " ")


def _details(grade: Grade) -> Table | None:
    details = grade.details
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name in (
        "sample_size", "arms", "condition", "interventions", "comparators", "follow_up",
        "effects", "included_studies", "databases", "heterogeneity", "adverse_events",
        "deaths", "registry_ids", "funding",
    ):  # fmt: skip
        value = getattr(details, name)
        items = value if isinstance(value, tuple) else (value,)
        quotes = [str(item.text or item.value) for item in items if item.reported]
        if quotes:
            table.add_row(name.replace("_", " "), Text("; ".join(quotes)))
    return table if table.row_count else None


def history_table(history: Iterable[Change]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("When", "What", "Change"):
        table.add_column(column)
    for change in history:
        table.add_row(f"{change.at:%Y-%m-%d %H:%M}", change.what, Text(change.summary))
    return table


def explanation(record: Record, scheme: str) -> Group:
    """The walk from words to level, in plain words."""
    grade = record.grade
    lines: list[RenderableType] = [
        Text(f"PMID {record.article.pmid}: {record.article.title}", style="bold"),
        Text(),
        Text(f"1. Design: {grade.design_label} ({grade.confidence:.0%} sure)", style="bold"),
    ]
    lines += [
        Text(
            f"   {reason.weight:+.1f}  “{reason.value}” ({_place(reason)})"
            f" speaks for {_target(reason.speaks_for)}"
        )
        for reason in grade.reasons
        if reason.speaks_for in DESIGNS
    ]
    lines.append(Text(f"2. Question: {QUESTIONS[grade.question].label}", style="bold"))
    lines += [
        Text(f"   “{reason.value}” ({_place(reason)})")
        for reason in grade.reasons
        if reason.speaks_for == f"question:{grade.question}"
    ]
    lines.append(Text(f"3. Level in {SCHEME_NAMES[scheme]}", style="bold"))
    for step in grade.level_steps:
        if step.scheme == scheme:
            change = "" if step.after is None else f" → {step.after}"
            lines.append(Text(f"   {step.text}{change}"))
    if scheme == "grade_start":
        lines.append(
            Text("   GRADE rates a body of evidence, not a paper: this is only its start.")
        )
    named = ", ".join(FLAGS[flag].label for flag in grade.flags) or "none"
    lines.append(Text(f"4. Flags: {named}", style="bold"))
    lines += [
        Text(f"   {FLAGS[reason.speaks_for].label}: {reason.value}")
        for reason in grade.reasons
        if reason.speaks_for in FLAGS
    ]
    return Group(*lines)


def counts_table(counts: Sequence[tuple[str, int]], by: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(by.capitalize())
    table.add_column("Articles", justify="right")
    for name, count in counts:
        shown = DESIGNS[name].label if name in DESIGNS else name
        table.add_row(Text(str(shown)), f"{count:,}")
    return table


def status_page(
    url: str,
    counts: StoreCounts,
    topics: Sequence[TopicState],
    runs: Sequence[Run],
    heartbeat: Heartbeat | None,
    now: datetime,
) -> Group:
    head = Table.grid(padding=(0, 2))
    head.add_column(style="dim")
    head.add_column()
    head.add_row("Store", escape(url))
    head.add_row(
        "Articles",
        f"{counts.articles:,} ({counts.retracted:,} retracted, {counts.deleted:,} deleted by NLM)",
    )
    head.add_row("Quarantined", f"{counts.quarantined:,}")
    head.add_row(
        "Graded by an older grader",
        f"{counts.outdated_grades:,}" + (" (pubgrade regrade)" if counts.outdated_grades else ""),
    )
    head.add_row("Daemon", daemon_state(heartbeat, now))
    parts: list[RenderableType] = [head]
    if topics:
        table = Table(title="Topics", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for column in (
            "Topic",
            "Articles",
            "Last success",
            "Stored through",
            "Failures",
            "Next run",
        ):
            table.add_column(column)
        for topic in topics:
            table.add_row(
                Text(topic.name),
                f"{topic.articles:,}",
                f"{topic.last_success:%Y-%m-%d %H:%M}" if topic.last_success else "never",
                topic.created_through or "–",
                Text(f"{topic.failures}: {topic.last_error}" if topic.failures else "0"),
                f"{topic.next_run:%Y-%m-%d %H:%M}" if topic.next_run else "–",
            )
        parts.append(table)
    if runs:
        table = Table(title="Last runs", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for column in (
            "Started",
            "Kind",
            "Subject",
            "State",
            "New",
            "Revised",
            "Missing",
            "Failed",
        ):
            table.add_column(column)
        for run in runs:
            table.add_row(
                f"{run.started_at:%Y-%m-%d %H:%M}", run.kind, Text(run.subject), run.state,
                f"{run.new:,}", f"{run.revised:,}", f"{run.missing:,}", f"{run.failed:,}",
            )  # fmt: skip
        parts.append(table)
    return Group(*parts)


def daemon_state(heartbeat: Heartbeat | None, now: datetime) -> str:
    if heartbeat is None or heartbeat.state == "stopped":
        return "not running"
    beat = heartbeat.beat_at if heartbeat.beat_at.tzinfo else heartbeat.beat_at.replace(tzinfo=UTC)
    silent = (now - beat).total_seconds()
    where = f"process {heartbeat.pid} on {heartbeat.host}"
    if silent > DAEMON_SILENT:
        return f"gone: {where} was last heard of {silent / 60:.0f} minutes ago"
    return f"{heartbeat.state} ({where}, heard of {silent:.0f} s ago)"


def console(*, err: bool = False) -> Console:
    return Console(stderr=err, highlight=False, soft_wrap=False)

"""What people look at: tables of records, one record as a page, the state of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from grading.grades import Grade, Reason
from grading.levels import CONDITIONS, Scheme
from grading.vocabulary import ATTRIBUTES, DESIGNS, FLAGS, QUESTIONS
from storage.records import Change, Heartbeat, Record, Run, StoreCounts, TopicState

if TYPE_CHECKING:
    from worker.mirror import Standing

LOUD = frozenset({"retracted", "expression_of_concern", "withdrawn"})
SCHEME_NAMES = {
    "ocebm_2011": "OCEBM 2011",
    "ocebm_2009": "OCEBM 2009",
    "grade_start": "GRADE starting certainty",
    "sort": "SORT",
    "nhmrc": "NHMRC",
}


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
            f"{grade.shown_confidence:.0%}",
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
    if article.abridged:
        again = f"`pubgrade fetch {article.pmid}` brings it back"
        parts.append(Text(f"(not kept here; {again})", style="dim"))
    elif not article.abstract:
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
    version = f" version {article.version}" if article.version > 1 else ""
    ids = f"PMID {article.pmid}{version}" + (f" · doi {article.doi}" if article.doi else "")
    return " · ".join(part for part in (", ".join(names), where, ids) if part)


def _sure(grade: Grade) -> str:
    of_kind = f"{grade.confidence:.0%} sure"
    own = f"{grade.shown_confidence:.0%} sure"
    return own if own == of_kind else f"{own}; {of_kind} of its kind"


def _verdict(grade: Grade) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("Design", Text(f"{grade.design_label}  ({_sure(grade)})", "bold cyan"))
    level = grade.levels.ocebm_2011
    shown = "no level" if level is None else f"{level} of 5"
    table.add_row("Level (OCEBM 2011)", Text(shown, "bold cyan"))
    for step in grade.level_steps:
        if step.scheme == "ocebm_2011":
            after = "no level" if step.after is None else step.after
            arrow = "" if step.before is None else f"{step.before} → {after}: "
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
        if reason.field is None:
            return "abstract, not kept"
        return f"{reason.field} {reason.start}–{reason.end}"
    return reason.kind.replace("_", " ")


def _target(target: str) -> str:
    for vocabulary in (DESIGNS, ATTRIBUTES, FLAGS):
        if target in vocabulary:
            return vocabulary[target].label
    kind, _, name = target.partition(":")
    if kind == "flag" and name in FLAGS:
        return FLAGS[name].label
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
        table.add_row(_when(change.at), change.what, Text(change.summary))
    return table


def explanation(record: Record, scheme: str) -> Group:
    """The walk from words to level, in plain words."""
    grade = record.grade
    given = getattr(grade.levels, scheme)
    speaking = [r for r in grade.reasons if r.speaks_for in DESIGNS]
    parts: list[RenderableType] = [
        Text(f"PMID {record.article.pmid}: {record.article.title}", style="bold"),
        Text(),
        Text(f"1. Design: {grade.design_label} ({_sure(grade)})", style="bold"),
        _spoken("For it", [r for r in speaking if r.speaks_for == grade.design and r.weight >= 0]),
        _spoken("Against", [r for r in speaking if r.speaks_for != grade.design or r.weight < 0]),
        Text(f"2. Question: {QUESTIONS[grade.question].label}", style="bold"),
        _spoken("Read from", [r for r in grade.reasons if r.speaks_for.startswith("question:")]),
        Text(
            f"3. Level in {SCHEME_NAMES[scheme]}: {'none' if given is None else given}",
            style="bold",
        ),
    ]
    walk = Table.grid(padding=(0, 2))
    walk.add_column(no_wrap=True, style="dim")
    walk.add_column()
    walk.add_column()
    moved = [r for r in grade.reasons if r.speaks_for.startswith(("level_", "concern:"))]
    for number, step in enumerate(s for s in grade.level_steps if s.scheme == scheme):
        if step.rule.startswith("concern"):
            change = "concern"
        elif step.after is None:
            change = "no level"
        else:
            change = f"starts at {step.after}" if not number else f"{step.before} → {step.after}"
        name = step.rule.partition(".")[2]
        quotes = [r for r in moved if name and r.speaks_for.endswith(f":{name}")]
        quoted = "".join(f" “{r.value}” ({_place(r)})" for r in quotes)
        walk.add_row("  ", change, Text(step.text + quoted))
    parts.append(walk)
    if scheme == "ocebm_2009" and grade.levels.jbjs:
        parts.append(Text(f"   As orthopaedic and surgical journals read it: {grade.levels.jbjs}"))
    if scheme == "grade_start":
        parts.append(
            Text("   GRADE rates a body of evidence, not a paper: this is only its start.")
        )
    if grade.stated_level:
        said = grade.stated_level
        named = f", scheme {said.scheme}" if said.scheme else ", scheme not named"
        parts.append(Text(f"   The authors state: “{said.text}”{named}"))
    else:
        parts.append(Text("   The authors state no level."))
    names = ", ".join(FLAGS[flag].label for flag in grade.flags) or "none"
    parts.append(Text(f"4. Flags: {names}", style="bold"))
    for flag in grade.flags:
        why = "".join(f" ({r.value})" for r in grade.reasons if r.speaks_for == flag)
        parts.append(
            Padding(Text(f"{FLAGS[flag].label}: {FLAGS[flag].meaning}{why}"), (0, 0, 0, 3))
        )
    return Group(*parts)


def _spoken(what: str, reasons: Sequence[Reason]) -> RenderableType:
    """Quotes with their weights, strongest first."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim", min_width=12)
    table.add_column(no_wrap=True, justify="right")
    table.add_column()
    for number, reason in enumerate(sorted(reasons, key=lambda r: -abs(r.weight))):
        quote = f"“{reason.value}”" if reason.kind == "text" else reason.value
        place = "" if reason.kind in ("model", "rule") else f" ({_place(reason)})"
        table.add_row(
            f"   {what}" if not number else "",
            f"{reason.weight:+.1f}" if reason.weight else "",
            Text(f"{quote}{place}: {_target(reason.speaks_for)}"),
        )
    return table


def scheme_table(scheme: Scheme) -> Group:
    """A scheme's rows in the order they are tried, for a clinician to check against its source."""
    jbjs = any(row.jbjs for row in scheme.rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Level", no_wrap=True)
    if jbjs:
        table.add_column("JBJS", no_wrap=True)
    table.add_column("What", ratio=3)
    table.add_column("Designs", ratio=2)
    for row in scheme.rows:
        what = Text(row.text)
        for lead, words in (
            ("question: ", [QUESTIONS[name].label for name in QUESTIONS if name in row.questions]),
            ("if: ", [_sign(name) for name in sorted(row.attributes)]),
            ("unless: ", [_sign(name) for name in sorted(row.without)]),
        ):
            if words:
                what.append(f"\n{lead}{', '.join(words).lower()}", style="dim")
        cells = ["–" if row.level is None else str(row.level), *([row.jbjs or "–"] if jbjs else [])]
        named = ", ".join(DESIGNS[name].label for name in DESIGNS if name in row.designs)
        table.add_row(*cells, what, Text(named))
    return Group(
        Text(scheme.title, style="bold"),
        Text("The first row that fits gives the level.", style="dim"),
        table,
        Text(f"Source: {scheme.source}", style="dim"),
        Text(),
    )


def _sign(name: str) -> str:
    return ATTRIBUTES[name].label if name in ATTRIBUTES else CONDITIONS[name]


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
    mirror: str | None = None,
    *,
    index_waits: bool = False,
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
    if counts.abridged:
        head.add_row("Abstracts not kept", f"{counts.abridged:,} (graded once, from the whole)")
    head.add_row(
        "Graded by an older grader",
        f"{counts.outdated_grades:,}" + (" (pubgrade regrade)" if counts.outdated_grades else ""),
    )
    if mirror is not None:
        head.add_row("Mirror", escape(mirror))
    if index_waits:
        head.add_row("Full-text index", "made when this load is done: words are slow")
    head.add_row("Daemon", daemon_state(heartbeat, now))
    parts: list[RenderableType] = [head]
    if topics:
        table = _narrow_table("Topics")
        table.add_column("Topic", overflow="fold")
        for column in ("Articles", "Last success", "Stored to", "Failures", "Next run"):
            table.add_column(
                column,
                no_wrap=True,
                justify="right" if column in ("Articles", "Failures") else "left",
            )
        runs_now = heartbeat is not None and heartbeat.lives and heartbeat.state == "running"
        for topic in topics:
            table.add_row(
                Text(topic.name),
                f"{topic.articles:,}",
                _when(topic.last_success) if topic.last_success else "never",
                topic.created_through or "–",
                f"{topic.failures:,}",
                _when(topic.next_run) if topic.next_run and runs_now else "–",
            )
        parts.append(table)
        parts += [
            Text(f"{topic.name}: {topic.last_error}", style="yellow")
            for topic in topics
            if topic.failures
        ]
        parts.append(Text())
    if runs:
        table = _narrow_table("Last runs")
        for column in ("Started", "Kind", "Subject", "State"):
            table.add_column(column, no_wrap=column != "Subject", overflow="fold")
        for column in ("New", "Revised", "Missing", "Failed"):
            table.add_column(column, no_wrap=True, justify="right")
        for run in runs:
            table.add_row(
                _when(run.started_at), run.kind, Text(_name(run.subject)), run.state,
                f"{run.new:,}", f"{run.revised:,}", f"{run.missing:,}", f"{run.failed:,}",
            )  # fmt: skip
        parts.append(table)
    return Group(*parts)


def _name(subject: str) -> str:
    """A topic, or a file without its folders."""
    return subject.rstrip("/").rpartition("/")[2]


def _narrow_table(title: str) -> Table:
    """For many columns in 80 characters."""
    return Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
        collapse_padding=True,
    )


def mirror_state(mirror: Standing, schedule: str | None) -> str | None:
    """How far the mirror is, and how the daemon's last pass ended; None where there is no mirror."""
    said = []
    if mirror.file is not None:
        loaded = mirror.file.finished_at or mirror.file.started_at
        said.append(f"{mirror.file.subject} loaded {_when(loaded)}")
    if mirror.keeps is not None:
        said.append(f"keeps {mirror.keeps}")
    if (last := mirror.last_pass) is not None:
        said.append(
            f"last pass {_when(last.started_at)} {last.state}"
            + (f": {last.error}" if last.error else "")
        )
    if schedule is not None:
        said.append(f"the daemon mirrors {schedule}")
    return "; ".join(said) or None


def daemon_state(heartbeat: Heartbeat | None, now: datetime) -> str:
    if heartbeat is None or heartbeat.state == "stopped":
        return "not running"
    beat = heartbeat.beat_at if heartbeat.beat_at.tzinfo else heartbeat.beat_at.replace(tzinfo=UTC)
    silent = (now - beat).total_seconds()
    where = f"process {heartbeat.pid} on {heartbeat.host}"
    if not heartbeat.lives:
        ago = f"{silent:.0f} s" if silent < 120 else f"{silent / 60:.0f} minutes"
        return f"gone without stopping ({where}, last heard of {ago} ago)"
    return f"{heartbeat.state} ({where}, heard of {silent:.0f} s ago)"


def _when(moment: datetime) -> str:
    """In the machine's local time, as cron lines and logs have it."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone():%Y-%m-%d %H:%M}"


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # what is being handled: rich would end the program with status 1


def console(*, err: bool = False) -> Console:
    return _Console(stderr=err, highlight=False, soft_wrap=False)

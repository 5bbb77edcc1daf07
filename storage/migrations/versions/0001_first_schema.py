"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

ORDERED = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
WRITTEN_IN_BULK = (
    ("article", "design_id"),
    ("article", "journal_id"),
    ("article", "question_id"),
    ("document", "pmid"),
    ("raw_record", "pmid"),
    ("relation", "pmid"),
)
SHOWN = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "daemon",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process", sa.String(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_daemon"),
    )
    op.create_table(
        "heading",
        sa.Column("ui", sa.String(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ui", "key", name="pk_heading"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "total",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_total"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("abbreviation_key", sa.Text(), nullable=True),
        sa.Column("issn_key", sa.Text(), nullable=True),
        sa.Column("nlm_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
        sa.UniqueConstraint("identity", name="uq_journal_identity"),
    )
    op.create_index("ix_journal_abbreviation_key", "journal", ["abbreviation_key"], unique=False)
    op.create_index("ix_journal_issn_key", "journal", ["issn_key"], unique=False)
    op.create_index("ix_journal_name_key", "journal", ["name_key"], unique=False)
    op.create_index("ix_journal_nlm_id", "journal", ["nlm_id"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pmid", sa.Integer(), nullable=True),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_digest", "quarantine", ["digest"], unique=False)
    op.create_index("ix_quarantine_pmid", "quarantine", ["pmid"], unique=False)
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("window_start", sa.String(), nullable=True),
        sa.Column("window_end", sa.String(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("revised", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("stale", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_index("ix_run_state", "run", ["state"], unique=False)
    op.create_index("ix_run_subject", "run", ["subject"], unique=False)
    op.create_table(
        "term",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_term"),
        sa.UniqueConstraint("kind", "name", name="uq_term_kind_name"),
    )
    op.create_table(
        "topic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", ORDERED, nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_through", sa.String(), nullable=True),
        sa.Column("revised_through", sa.String(), nullable=True),
        sa.Column("last_success", sa.BigInteger(), nullable=True),
        sa.Column("last_attempt", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("next_run", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_topic"),
        sa.UniqueConstraint("name", name="uq_topic_name"),
    )
    op.create_table(
        "article",
        sa.Column("pmid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("revised", sa.String(), nullable=True),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("design_id", sa.SmallInteger(), nullable=False),
        sa.Column("question_id", sa.SmallInteger(), nullable=False),
        sa.Column("rank_ocebm_2011", sa.SmallInteger(), nullable=False),
        sa.Column("rank_ocebm_2009", sa.SmallInteger(), nullable=False),
        sa.Column("rank_grade_start", sa.SmallInteger(), nullable=False),
        sa.Column("rank_sort", sa.SmallInteger(), nullable=False),
        sa.Column("rank_nhmrc", sa.SmallInteger(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=False),
        sa.Column("published_end", sa.Integer(), nullable=False),
        sa.Column("journal_id", sa.Integer(), nullable=True),
        sa.Column("sample_size", sa.BigInteger(), nullable=True),
        sa.Column("grade_digest", sa.BigInteger(), nullable=False),
        sa.Column("grader_version", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("graded_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["design_id"], ["term.id"], name="fk_article_design_id"),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name="fk_article_journal_id"),
        sa.ForeignKeyConstraint(["question_id"], ["term.id"], name="fk_article_question_id"),
        sa.PrimaryKeyConstraint("pmid", name="pk_article"),
    )
    for column in ("place", "added_at"):
        op.create_index(
            f"ix_article_{column}",
            "article",
            [column],
            unique=False,
            sqlite_where=SHOWN,
            postgresql_where=SHOWN,
        )
    op.create_table(
        "change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pmid", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("revised", sa.String(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=True),
        sa.Column("article", sa.LargeBinary(), nullable=True),
        sa.Column("grade", sa.LargeBinary(), nullable=True),
        sa.Column("grader_version", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["pmid"], ["article.pmid"], name="fk_change_pmid"),
        sa.PrimaryKeyConstraint("id", name="pk_change"),
    )
    op.create_index("ix_change_pmid", "change", ["pmid"], unique=False)
    op.create_table(
        "document",
        sa.Column("pmid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["pmid"], ["article.pmid"], name="fk_document_pmid"),
        sa.PrimaryKeyConstraint("pmid", name="pk_document"),
    )
    op.create_table(
        "raw_record",
        sa.Column("pmid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("format", sa.String(), nullable=True),
        sa.Column("parser_version", sa.String(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["pmid"], ["article.pmid"], name="fk_raw_record_pmid"),
        sa.PrimaryKeyConstraint("pmid", name="pk_raw_record"),
    )
    op.create_table(
        "relation",
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("pmid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["pmid"], ["article.pmid"], name="fk_relation_pmid"),
        sa.PrimaryKeyConstraint("target", "pmid", "kind", name="pk_relation"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "topic_article",
        sa.Column("topic_id", sa.Integer(), nullable=False),
        sa.Column("pmid", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["pmid"], ["article.pmid"], name="fk_topic_article_pmid"),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_topic_article_topic_id"),
        sa.PrimaryKeyConstraint("topic_id", "pmid", name="pk_topic_article"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_topic_article_pmid", "topic_article", ["pmid"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA application_id = 1349870151")  # "PubG"
        op.execute(
            "CREATE VIRTUAL TABLE full_text USING fts5("
            "title, abstract, keywords, facets, content='', "
            "tokenize='porter unicode61 remove_diacritics 2')"
        )
        # Postings gathered in memory (bytes) before they are written: fewer, larger segments.
        op.execute("INSERT INTO full_text(full_text, rank) VALUES ('hashsize', 33554432)")
    else:
        op.execute("COMMENT ON TABLE alembic_version IS 'pubgrade'")  # whose it is
        # The stemmer that SQLite has too, and no stop words: "vitamin A" is two words.
        op.execute(
            "CREATE TEXT SEARCH DICTIONARY pubgrade_stem (TEMPLATE = snowball, LANGUAGE = porter)"
        )
        op.execute('CREATE TEXT SEARCH CONFIGURATION pubgrade (PARSER = "default")')
        op.execute(
            "ALTER TEXT SEARCH CONFIGURATION pubgrade ADD MAPPING FOR asciiword, word, numword, "
            "asciihword, hword, numhword, hword_asciipart, hword_part, hword_numpart, int, uint, "
            "float, sfloat, version, email, url, url_path, host, file, tag, entity, protocol "
            "WITH pubgrade_stem"
        )
        op.create_table(
            "full_text",
            sa.Column("pmid", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("vector", postgresql.TSVECTOR(), nullable=False),
            sa.PrimaryKeyConstraint("pmid", name="pk_full_text"),
        )
        op.create_index("ix_full_text_vector", "full_text", ["vector"], postgresql_using="gin")
        # Each would be checked by a query of its own for every row. The one writer keeps them.
        for table, column in WRITTEN_IN_BULK:
            op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")

"""`Article`: what PubMed says of one record.

Every value here is immutable and turns into JSON and back without loss
(`msgspec.json.encode` / `msgspec.json.decode(..., type=Article)`).

Text rules, kept by every reader that makes an `Article`:

* Inline markup is joined without adding spaces. A sub- or superscript made of digits and signs
  becomes its Unicode form ("CO₂", "10⁹", "kg m⁻²", "10⁵·⁵"); any other inline element is its plain text.
* `abstract` is the sections joined as stored: ``"LABEL: text"`` (or just ``text`` where there is no
  label), one section a line. `Section.start` and `Section.end` count characters of `abstract` and
  enclose the whole line, label included, so that a quote can point at a label too.
* Dates are ISO strings as precise as the source is: "2020", "2020-12", "2020-12-14".
"""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of the immutable JSON values that cross between the floors."""


class Section(Value, frozen=True, kw_only=True):
    """One `AbstractText` and where its line stands in `Article.abstract`."""

    label: str | None = None  # as printed, e.g. "METHODS"
    category: str | None = None  # NlmCategory, e.g. "METHODS", "RESULTS", "CONCLUSIONS"
    text: str = ""  # without the label
    start: int = 0
    end: int = 0


class Author(Value, frozen=True, kw_only=True):
    """A person or a collective, in the order of the author list."""

    name: str  # "Fore Last" for people to read, or the collective name
    last_name: str | None = None
    fore_name: str | None = None
    initials: str | None = None
    suffix: str | None = None
    collective: bool = False
    orcid: str | None = None  # "0000-0002-1825-0097", without the address
    affiliations: tuple[str, ...] = ()
    valid: bool = True  # ValidYN: False marks a name that was later corrected


class PublicationType(Value, frozen=True, kw_only=True):
    name: str  # "Randomized Controlled Trial"
    ui: str | None = None  # "D016449"


class Qualifier(Value, frozen=True, kw_only=True):
    name: str
    ui: str | None = None
    major: bool = False


class MeshHeading(Value, frozen=True, kw_only=True):
    name: str  # descriptor
    ui: str | None = None
    major: bool = False  # the descriptor itself is marked as a major topic
    qualifiers: tuple[Qualifier, ...] = ()


class Chemical(Value, frozen=True, kw_only=True):
    name: str
    ui: str | None = None
    registry_number: str | None = None  # CAS or EC number or UNII; None for "0"


class Grant(Value, frozen=True, kw_only=True):
    number: str | None = None
    acronym: str | None = None
    agency: str | None = None
    country: str | None = None


class RegistryId(Value, frozen=True, kw_only=True):
    """A trial-registry number from `DataBankList`; those in the text are study details."""

    registry: str  # "ClinicalTrials.gov"
    id: str  # "NCT01234567"


class Accession(Value, frozen=True, kw_only=True):
    """An accession number of any other data bank (GENBANK, GEO, PDB, figshare …)."""

    bank: str
    id: str


class OtherAbstract(Value, frozen=True, kw_only=True):
    language: str | None = None  # "spa"
    type: str | None = None  # "Publisher", "PIP", "NASA", "AIDS"
    text: str = ""


class Correction(Value, frozen=True, kw_only=True):
    """One `CommentsCorrections`: the other article comments, corrects or retracts, or is so."""

    relation: str  # RefType as NLM writes it: "RetractionIn", "ErratumFor", "CommentOn" …
    direction: str  # "in": the other article speaks about this one; "out": this one about the other
    pmid: int | None = None
    source: str | None = None  # citation of the other article
    note: str | None = None


class DatedEvent(Value, frozen=True, kw_only=True):
    """One date in the life of the record."""

    event: str  # "completed", "revised", "electronic", "entrez", "pubmed", "medline", "received" …
    date: str  # ISO, as precise as `precision`
    precision: str  # "year" | "month" | "day"


class Book(Value, frozen=True, kw_only=True):
    """What a `PubmedBookArticle` says of the book around it."""

    title: str | None = None
    id: str | None = None  # NCBI Bookshelf accession, "NBK430685"
    publisher: str | None = None
    place: str | None = None
    editors: tuple[Author, ...] = ()
    edition: str | None = None
    isbn: tuple[str, ...] = ()
    collection: str | None = None
    medium: str | None = None
    section_titles: tuple[str, ...] = ()


class Article(Value, frozen=True, kw_only=True):
    """One PubMed record. Missing is `None` or an empty tuple; `title` and `abstract` may be ""."""

    pmid: int
    version: int = 1

    title: str = ""
    vernacular_title: str | None = None
    abstract: str = ""
    abridged: bool = False  # there is an abstract, but it is not kept here (grading.abridgement)
    sections: tuple[Section, ...] = ()
    other_abstracts: tuple[OtherAbstract, ...] = ()
    plain_language_summaries: tuple[OtherAbstract, ...] = ()
    languages: tuple[str, ...] = ()

    journal: str | None = None
    journal_abbreviation: str | None = None
    issn: str | None = None
    nlm_id: str | None = None
    country: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    book: Book | None = None

    published: str | None = None  # sortable: "2020", "2020-12", "2020-12-14"
    published_precision: str | None = None  # "year" | "month" | "day" | "season"
    published_text: str | None = None  # as PubMed prints it: "1998 Dec-1999 Jan"
    entered: str | None = None  # entry date (EDAT, PubStatus "pubmed"), else creation
    completed: str | None = None
    revised: str | None = None  # DateRevised
    dates: tuple[DatedEvent, ...] = ()
    publication_status: str | None = None  # "ppublish", "epublish", "aheadofprint"

    authors: tuple[Author, ...] = ()
    authors_complete: bool = True
    investigators: tuple[Author, ...] = ()
    personal_name_subjects: tuple[Author, ...] = ()

    doi: str | None = None
    pmcid: str | None = None
    other_ids: tuple[Accession, ...] = ()  # pii, mid, OtherID …: bank is the id's type
    registry_ids: tuple[RegistryId, ...] = ()
    accessions: tuple[Accession, ...] = ()

    publication_types: tuple[PublicationType, ...] = ()
    mesh: tuple[MeshHeading, ...] = ()
    supplementary_concepts: tuple[Chemical, ...] = ()
    keywords: tuple[str, ...] = ()
    chemicals: tuple[Chemical, ...] = ()
    gene_symbols: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    comments_corrections: tuple[Correction, ...] = ()
    references: tuple[int, ...] = ()  # PMIDs of cited articles, where known
    reference_count: int | None = None  # NumberOfReferences, else the length of the reference list
    subsets: tuple[str, ...] = ()  # CitationSubset: "IM"
    notes: tuple[str, ...] = ()  # GeneralNote

    coi_statement: str | None = None
    copyright: str | None = None
    status: str | None = None  # MedlineCitation Status: "MEDLINE", "Publisher" …
    indexing_method: str | None = None  # None = a human; "Curated"; "Automated"
    owner: str | None = None

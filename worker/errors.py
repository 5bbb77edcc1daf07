"""Errors of the worker, each with the exit status that the command line gives for it.

WorkerError (2)               the person asked for something that cannot be done as asked
├── ConfigError (2)           a wrong key or value in the configuration
├── SourceError (2)           a file, folder or address that cannot be read as PubMed records
├── MirrorError (1)           a bulk file is missing or damaged: those before it were loaded
└── EntrezError (4)           NCBI could not be reached or did not answer as it should
    ├── EntrezUnavailable (4) retried to the end: down, slow, over limit, answering nonsense
    └── EntrezRejected (2)    NCBI refused the request itself (query, API key, address): change it

Transient failures never leave the Entrez client: it retries them. A message says what is wrong,
where, and what to do; it never contains the API key.
"""

from __future__ import annotations


class WorkerError(Exception):
    """What was asked cannot be done as asked."""

    exit_status = 2


class ConfigError(WorkerError):
    """A wrong key or value in the configuration."""


class SourceError(WorkerError):
    """A file, folder or address that cannot be read as PubMed records."""


class MirrorError(WorkerError):
    """A bulk file is missing or damaged; all before it was loaded."""

    exit_status = 1


class EntrezError(WorkerError):
    """NCBI could not be reached or did not answer as it should."""

    exit_status = 4


class EntrezUnavailable(EntrezError):
    """Retried to the end without a usable answer."""


class EntrezRejected(EntrezError):
    """NCBI refused the request itself; the message holds what NCBI said."""

    exit_status = 2

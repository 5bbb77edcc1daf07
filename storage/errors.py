"""Errors of the store.

StoreError                    anything that keeps the store from doing what was asked
├── StoreUnavailable          cannot be opened, read or written (missing, read-only, full, locked)
├── StoreVersionError         made by a newer pubgrade, or not a pubgrade store
├── StoreInUse                another daemon holds the store
└── QueryError                a filter that cannot be
    └── CursorError           a paging cursor that this query did not give

A message says what is wrong, where, and what to do. It never contains a password.
"""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot do what was asked."""


class StoreUnavailable(StoreError):
    """The store cannot be opened, read or written just now."""


class StoreVersionError(StoreError):
    """The store's schema is unknown to this version of pubgrade."""


class StoreInUse(StoreError):
    """Another daemon holds the store."""


class QueryError(StoreError, ValueError):
    """A filter that cannot be; the message names what is allowed."""


class CursorError(QueryError):
    """The paging cursor does not belong to this query."""

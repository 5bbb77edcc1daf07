"""Storage: keeps articles and grades, their history, and answers searches.

`Store` is loaded on first use: the values in `storage.records` and the errors in `storage.errors`
can be imported without loading a database library.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storage.store import Store

__all__ = ["Store"]


def __getattr__(name: str) -> Any:
    if name == "Store":
        from storage.store import Store

        return Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

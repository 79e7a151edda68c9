"""Gather the consequences of many changes, and write them down together at the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Item = TypeVar("Item")
Write = Callable[[list[Any]], None]

_gathered: ContextVar[dict[Write, list[Any]] | None] = ContextVar("gathered", default=None)


@contextmanager
def batch() -> Iterator[None]:
    """Gather what is given to `write_with_batch` within the block, and write it when the block ends.

    For changes of many rows. Use it inside their transaction. Nothing is written after an error.
    """
    gathered: dict[Write, list[Any]] = {}
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    for write, items in gathered.items():
        write(items)


def write_with_batch(write: Callable[[list[Item]], None], item: Item) -> bool:
    """Have the item written at the end of the present batch; return False if there is no batch."""
    gathered = _gathered.get()
    if gathered is None:
        return False
    gathered.setdefault(write, []).append(item)
    return True

"""Writes of the job page: retry and cancel what somebody chose in the list."""

from collections.abc import Callable, Sequence
from typing import Any

from jobs.kinds import Kind, every_kind
from jobs.pages.queries import ROWS_ON_A_PAGE, changeable


def retry(keys: Sequence[str], person: Any) -> int:
    """Start again what failed; return how many started."""
    return _act(keys, person, lambda kind: kind.retry)


def cancel(keys: Sequence[str], person: Any) -> int:
    """End what is unfinished; return how many ended."""
    return _act(keys, person, lambda kind: kind.cancel)


def _act(keys: Sequence[str], person: Any, action: Callable[[Kind], Callable[[Any], bool] | None]) -> int:
    """Leave out work that the person may not change, that is gone, or whose kind has no such action."""
    done = 0
    for kind in every_kind():
        if act := action(kind):
            done += sum(act(work) for work in changeable(kind, person).filter(pk__in=_pks_of(kind, keys)))
    return done


def _pks_of(kind: Kind, keys: Sequence[str]) -> list[int]:
    named = (key.removeprefix(f"{kind.name}.") for key in keys[:ROWS_ON_A_PAGE] if key.startswith(f"{kind.name}."))
    return [int(pk) for pk in named if pk.isascii() and pk.isdigit() and len(pk) < 19]

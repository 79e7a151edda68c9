"""Retry or cancel the work that somebody chose on the job page."""

from collections.abc import Callable, Sequence
from typing import Any

from jobs.kinds import Kind, every_kind
from jobs.pages.queries import ROWS_ON_A_PAGE, changeable


def retry(keys: Sequence[str], person: Any) -> int:
    """Start the chosen failed work again; return how many pieces of work were started."""
    return _act(keys, person, lambda kind: kind.retry)


def cancel(keys: Sequence[str], person: Any) -> int:
    """Cancel the chosen unfinished work; return how many pieces of work were cancelled."""
    return _act(keys, person, lambda kind: kind.cancel)


def _act(keys: Sequence[str], person: Any, action: Callable[[Kind], Callable[[Any], bool] | None]) -> int:
    """Apply the action and return how often it succeeded.

    Skip work that the person may not change, that is gone, or that does not offer the action.
    """
    done = 0
    for kind in every_kind():
        if act := action(kind):
            done += sum(act(work) for work in changeable(kind, person).filter(pk__in=_pks_of(kind, keys)))
    return done


def _pks_of(kind: Kind, keys: Sequence[str]) -> list[int]:
    named = (key.removeprefix(f"{kind.name}.") for key in keys[:ROWS_ON_A_PAGE] if key.startswith(f"{kind.name}."))
    return [int(pk) for pk in named if pk.isascii() and pk.isdigit() and len(pk) < 19]

from collections.abc import Iterable

from django.db.models.expressions import RawSQL


def literals(constants: Iterable[str]) -> list[RawSQL]:
    """Write constants of the code into a query itself, for `field__in`.

    SQLite uses a partial index only where the query holds the very condition of the index; a list of parameters does
    not count as one.
    """
    return [RawSQL(f"'{constant}'", ()) for constant in constants]  # noqa: S611 - never what somebody sent

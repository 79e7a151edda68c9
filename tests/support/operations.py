"""List every operation that the API's description names."""

from collections.abc import Iterator
from typing import Any

from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> Iterator[tuple[str, str]]:
    """Yield the method and the path below /api/v1 of each operation, such as GET and /customers/{id}."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # the library has no types
    schema: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # nor here
    for path, found in schema["paths"].items():
        for method in METHODS:
            if method in found:
                yield method.upper(), path.removeprefix("/api/v1")

"""Check that docs/openapi.yaml, from which integrators generate clients, agrees with the code."""

from pathlib import Path

from django.core.management import call_command
from django.test import override_settings

FILE = Path(__file__).parents[2] / "docs" / "openapi.yaml"


@override_settings(DEBUG=False)
def test_the_kept_description_is_that_of_the_code(tmp_path: Path) -> None:
    written = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(written))
    assert written.read_text() == FILE.read_text(), "Run `make schema`, and tell of the change in CHANGELOG.md."

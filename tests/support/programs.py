"""Start programs with the project's settings and nothing of the environment of the tests."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Fill in the name of a setting.
SHOW = "from django.conf import settings; print(getattr(settings, {!r}))"


def start(folder: Path, code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the Python code with the project's settings; the folder holds its files."""
    kept = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
    )

"""Start programs with the project's settings and without the tests' environment."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Code that prints a setting. Fill in the setting's name.
SHOW = "from django.conf import settings; print(getattr(settings, {!r}))"


def start(folder: Path, code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the Python code with the project's settings. The folder holds its files."""
    kept = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
    )

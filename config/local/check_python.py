"""Say in one sentence that this Python is too old or too new, before pip says it in fifty lines."""

import sys

if not (3, 11) <= sys.version_info < (3, 14):
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    sys.exit(f"Rapport needs Python 3.11, 3.12 or 3.13; this is {found}. Name another: make run PYTHON=python3.12")

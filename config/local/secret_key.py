"""Make the secret key of an installation that was given none."""

import os
import secrets
from pathlib import Path


def local_secret_key(file: Path) -> str:
    """Return the key in this file; it is made once, readable by its owner only."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(secrets.token_urlsafe(64))
    try:
        os.link(partial, file)  # fails if another process was first; then that key counts
    except FileExistsError:
        pass
    finally:
        partial.unlink()
    return file.read_text()

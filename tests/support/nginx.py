"""Run a real nginx with the project's own configuration in front of a web server on this machine."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.ports import own_port
from tests.support.servers import private_folder, require, running
from tests.support.waiting import wait_until

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx"


@contextmanager
def nginx(web: str, **environment: str) -> Iterator[str]:
    """Run nginx in front of the web at this address, with the limits of `environment`. Yield the site's address."""
    program = require("nginx", "nginx-light")
    with private_folder("rapport-nginx-") as folder, own_port() as port, own_port() as health_port:
        moved = {
            "/etc/rapport": str(folder / "etc"),
            "/tmp/": f"{folder}/tmp/",  # noqa: S108 - of the container
            "/srv/": f"{folder}/srv/",
            "/dev/stdout": str(folder / "access.log"),
            "set $web web:8000": f"set $web {urlsplit(web).netloc}",
            "listen 8080": f"listen 127.0.0.1:{port}",
            "127.0.0.1:8081": f"127.0.0.1:{health_port}",
            "exec nginx": f"exec {program}",
            # Started by root, nginx would serve as a user who cannot read the test's folder.
            "worker_processes 2;": f"{'user root;' if os.getuid() == 0 else ''} worker_processes 2;",
        }
        for each in ("etc", "tmp", "srv/uploads", "srv/static"):
            (folder / each).mkdir(parents=True)
        for file in (each for each in CONFIGURATION.rglob("*") if each.is_file()):
            text = re.sub("|".join(map(re.escape, moved)), lambda found: moved[found[0]], file.read_text())
            target = folder / "etc" / file.relative_to(CONFIGURATION)
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
        limits = {"MAX_PHOTO_BYTES": "26214400", "MAX_PHOTOS_PER_FORM": "20", **environment}
        started = running(
            ["sh", str(folder / "etc" / "start.sh")], folder / "log", env=os.environ | limits, cwd=str(folder)
        )
        with started as process:
            ready = f"http://127.0.0.1:{health_port}/"
            wait_until(lambda: process.poll() is not None or _answers(ready), "nginx answers")
            assert process.poll() is None, (folder / "log").read_text()
            yield f"http://127.0.0.1:{port}"


def _answers(address: str) -> bool:
    return subprocess.run(["curl", "--silent", "--fail", address], capture_output=True).returncode == 0

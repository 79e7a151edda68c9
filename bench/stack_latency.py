"""Measure the time from an upload by HTTP until a GET shows the result, at a steady rate of uploads."""

import argparse
import itertools
import json
import time
from collections.abc import Mapping

from django.conf import settings

from bench.api_load import Client, milliseconds_at_a_rate, serving
from bench.api_requests import Request
from bench.api_rows import written_for
from bench.queue import worker

CLIENTS = 8
PAUSE = 0.02  # seconds between two requests for the result


def seconds_until_visible(photos: list[bytes], options: argparse.Namespace) -> list[float]:
    """Return the seconds for each photo, from its upload until its result is visible."""
    from crm.models import User

    user = User.objects.create_superuser("latency")
    with (
        written_for(user, seed=1, deliveries=0) as written,
        serving(settings.VAR_DIR, workers=2, threads=4) as server,
        worker(2),
    ):
        clients = [Watching(server, written.key) for _ in range(CLIENTS)]
        files = itertools.cycle(photos)

        def upload() -> Request:
            written.photo = next(files)
            body, content_type = written.form()
            path = f"interactions/{written.interaction()}/snapshots"
            return Request(path, "POST", body, {"Content-Type": content_type})

        milliseconds_at_a_rate(clients, upload, round(2 * options.rate), options.rate)  # to warm up
        taken = milliseconds_at_a_rate(clients, upload, round(options.seconds * options.rate), options.rate)
    return [each / 1000 for each in taken]


class Watching(Client):
    """Send a photo, and ask for its result until it is there."""

    def send(self, request: Request, headers: Mapping[str, str] | None = None) -> bytes:
        public_id = json.loads(super().send(request, headers))["id"]
        while True:
            answer = super().send(Request.get(f"snapshots/{public_id}"))
            if json.loads(answer)["status"] not in ("pending", "analysing"):
                return answer
            time.sleep(PAUSE)

"""Measure a burst of uploads through the API while workers analyse them, and one urgent photo after the burst.

The bench measures how soon each upload was answered, and how many photos of the burst still waited when the urgent one
was analysed. It ends with an account: every accepted photo was analysed once, and no file is missing or left over. It
starts its own PostgreSQL and Redis.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from bench.deployed import another_system, deployed

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from emotions.models import Snapshot
    from tests.support.deployment import Deployment

P95_MS = 1000
DEADLINE = 3600.0  # seconds to wait for the workers


def measure(deployment: "Deployment", media: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the figures of one burst. Needs Django set up on the deployment's database.

    Raises AssertionError if the account does not balance.
    """
    from emotions.models import Snapshot
    from tests.support.accounting import assert_accounted_for
    from tests.support.factories import small_photo

    uploads = another_system(deployment.web(processes=2), small_photo)
    deployment.worker(options.processes)
    deployment.beat()
    started = time.monotonic()
    with tqdm(total=options.photos, desc="accepted", disable=options.json) as bar:
        uploads.send(range(options.photos), clients=options.clients, each=bar.update)
    accepted_in = time.monotonic() - started
    answers = sorted(each.seconds * 1000 for each in uploads.accepted)
    waiting = Snapshot.objects.filter(status__in=Snapshot.UNFINISHED)
    before = waiting.count()
    single = uploads.send_one(options.photos, "?wait=10")
    overtaken = waiting.count()
    wait_for_all(waiting, options)
    assert_accounted_for([each.snapshot for each in [*uploads.accepted, single]], media)
    return {
        "photos": options.photos,
        "uploads_per_s": options.photos / accepted_in,
        "median_ms": statistics.median(answers),
        "p95_ms": statistics.quantiles(answers, n=20, method="inclusive")[-1],
        "largest_ms": answers[-1],
        "sent_again": uploads.refused.total(),
        "waiting_before_the_single": before,
        "waiting_after_the_single": overtaken,
        "single_ms": single.seconds * 1000,
    }


def wait_for_all(waiting: "QuerySet[Snapshot]", options: argparse.Namespace) -> None:
    """Return when no photo is waiting any more. Raises TimeoutError after DEADLINE."""
    left, deadline = waiting.count(), time.monotonic() + DEADLINE
    with tqdm(total=left, desc="analysed", disable=options.json) as bar:
        while left:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{left} photos still wait.")
            time.sleep(0.2)
            now = waiting.count()
            bar.update(left - now)
            left = now


def as_table(measured: dict[str, float]) -> str:
    rows = [
        ("uploads a second", f"{measured['uploads_per_s']:.0f}", ""),
        ("answered, median", f"{measured['median_ms']:.0f} ms", ""),
        ("answered, 95th percentile", f"{measured['p95_ms']:.0f} ms", f"{P95_MS} ms"),
        ("answered, the slowest", f"{measured['largest_ms']:.0f} ms", ""),
        ("sent again", f"{measured['sent_again']:.0f}", "0"),
        ("one more, from upload to result", f"{measured['single_ms']:.0f} ms", ""),
        ("of the burst, waiting before it", f"{measured['waiting_before_the_single']:.0f}", ""),
        ("of the burst, waiting after it", f"{measured['waiting_after_the_single']:.0f}", "nearly as many"),
        ("lost, or done twice", "0", "0"),
    ]
    head = [f"| burst of {measured['photos']:.0f} | measured | target |", "| --- | --- | --- |"]
    return "\n".join([*head, *(f"| {name} | {figure} | {target} |" for name, figure, target in rows)])


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.burst", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--photos", type=int, default=2000, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="sending at once (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="worker processes (%(default)s)")
    return parser


def main() -> int:
    options = build_parser().parse_args()
    with deployed() as deployment:
        from django.conf import settings

        measured = measure(deployment, Path(settings.MEDIA_ROOT), options)
    print(json.dumps(measured) if options.json else as_table(measured))
    return 0 if measured["p95_ms"] <= P95_MS else 1


if __name__ == "__main__":
    sys.exit(main())

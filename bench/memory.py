"""The memory of the worker's processes while they analyse thousands of photos: flat, or a leak.

Samples how much each process has for itself, with its share of what several have in common (PSS), and ends with an
account: every accepted photo analysed once, no file too few or too many. Starts a PostgreSQL and a Redis of its own.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from bench.burst import wait_for_all
from bench.deployed import another_system, deployed
from bench.processes import share_megabytes

if TYPE_CHECKING:
    from tests.support.deployment import Deployment

GROWTH = 1.05  # of the whole, from the first sample to the last; a photo is sometimes under way
SIZES = ((640, 480), (1600, 1200), (64, 80), (1024, 768))


@dataclass(frozen=True)
class Sample:
    """The megabytes of each worker process after so many photos."""

    photos: int
    megabytes: dict[int, float]

    @property
    def total(self) -> float:
        return sum(self.megabytes.values())


def measure(deployment: "Deployment", media: Path, options: argparse.Namespace) -> list[Sample]:
    """A sample after each step. Needs Django set up, on the deployment's database.

    Raises AssertionError where the account does not balance.
    """
    from emotions.models import Snapshot
    from tests.support.accounting import assert_accounted_for

    uploads = another_system(deployment.web(processes=1), photo)
    worker = deployment.worker(options.processes, WORKER_MAX_MEMORY="100000")
    deployment.beat()
    waiting = Snapshot.objects.filter(status__in=Snapshot.UNFINISHED)
    samples: list[Sample] = []
    for done in tqdm(range(0, options.photos, options.step), desc="steps", disable=options.json):
        numbers = range(done, min(done + options.step, options.photos))
        uploads.send(numbers, clients=options.clients)
        wait_for_all(waiting, argparse.Namespace(json=True))
        samples.append(Sample(numbers.stop, {pid: share_megabytes(pid) for pid in worker.children()}))
    assert_accounted_for([each.snapshot for each in uploads.accepted], media)
    return samples


def photo(number: int) -> bytes:
    """A face in a photo of one of several sizes, as processes see them in turn; another file for each number."""
    from bench.api_rows import commented

    return commented(face_of(SIZES[number % len(SIZES)]), f"memory {number}".encode())


@cache
def face_of(size: tuple[int, int]) -> bytes:
    from tests.support.factories import face, jpeg

    return jpeg(face().resize(size))


def is_flat(samples: list[Sample]) -> bool:
    """Return whether the same processes need hardly more memory at the end than after the first step."""
    first, last = samples[0], samples[-1]
    return first.megabytes.keys() == last.megabytes.keys() and last.total <= GROWTH * first.total


def as_table(samples: list[Sample]) -> str:
    lines = ["| photos | MB of each process | together |", "| --- | --- | --- |"]
    for each in samples:
        single = ", ".join(f"{megabytes:.0f}" for megabytes in each.megabytes.values())
        lines.append(f"| {each.photos} | {single} | {each.total:.0f} |")
    verdict = (
        "Flat" if is_flat(samples) else f"Not flat: more than {GROWTH - 1:.0%} were added, or a process was replaced"
    )
    return "\n".join([*lines, "", f"{verdict}. Nothing was lost and nothing done twice."])


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--photos", type=int, default=5000, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--step", type=int, default=500, metavar="N", help="photos between two samples (%(default)s)")
    parser.add_argument("--clients", type=int, default=4, metavar="N", help="sending at once (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="worker processes (%(default)s)")
    return parser


def main() -> int:
    options = build_parser().parse_args()
    with deployed() as deployment:
        from django.conf import settings

        samples = measure(deployment, Path(settings.MEDIA_ROOT), options)
    print(json.dumps([asdict(each) for each in samples]) if options.json else as_table(samples))
    return 0 if is_flat(samples) else 1


if __name__ == "__main__":
    sys.exit(main())

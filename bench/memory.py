"""Measure the memory of worker processes while they analyse thousands of photos, to find leaks.

The bench samples the memory of each process with its share of shared pages (PSS). It ends with an account: every
accepted photo was analysed once, and no file is missing or left over. It starts its own PostgreSQL and Redis.
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

GROWTH = 1.05  # largest ratio of last to first sample; a photo in progress may account for the rest
SIZES = ((640, 480), (1600, 1200), (64, 80), (1024, 768))


@dataclass(frozen=True)
class Sample:
    """The megabytes of each worker process, by process ID, after this many photos."""

    photos: int
    megabytes: dict[int, float]

    @property
    def total(self) -> float:
        return sum(self.megabytes.values())


def measure(deployment: "Deployment", media: Path, options: argparse.Namespace) -> list[Sample]:
    """Return a sample after each step. Needs Django set up on the deployment's database.

    Raises AssertionError if the account does not balance.
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
    """Return a photo of a face. Each number gives a different file, and the next of several sizes."""
    from bench.api_rows import commented

    return commented(face_of(SIZES[number % len(SIZES)]), f"memory {number}".encode())


@cache
def face_of(size: tuple[int, int]) -> bytes:
    from tests.support.factories import face, jpeg

    return jpeg(face().resize(size))


def is_flat(samples: list[Sample]) -> bool:
    """Return whether the same processes need at most GROWTH times the memory of the first step at the end."""
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

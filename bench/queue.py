"""Measure the whole queue: the time to a worker's first result, photos a second, and memory of each worker process.

Uses DATABASE_URL and CELERY_BROKER_URL if they are set, and otherwise SQLite and the file queue.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.pipeline import photo
from bench.processes import children, peak_megabytes

DEADLINE = 300.0  # seconds to wait for a measurement


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Return the figures. Run this in its own process, with VAR_DIR set to a folder that is deleted afterwards."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from django.core.management import call_command

    from emotions.models import Snapshot

    call_command("migrate", verbosity=0)
    upload = uploader()
    figures = {}

    upload()
    started = time.time()
    with worker(options.processes) as pid:
        wait_for(lambda: not unfinished())
        figures["first_result_s"] = finish_times()[-1] - started
        figures["upload_to_result_ms"] = statistics.median(_round_trip(upload) for _ in range(options.singles)) * 1000
        figures["worker_mb"] = max(peak_megabytes(child) for child in children(pid))

    for _ in range(options.photos):
        upload()
    before = len(finish_times())
    with worker(options.processes):
        wait_for(lambda: not unfinished())
    times = finish_times()[before:]
    figures["photos_per_s"] = (len(times) - 1) / (times[-1] - times[0])
    figures["failed"] = Snapshot.objects.exclude(status=Snapshot.Status.ANALYSED).count()
    return figures


def uploader(*photos: bytes) -> Callable[[], int]:
    """Return a function that adds the next photo to a new interaction, as the form does.

    The function returns the primary key of the snapshot.
    """
    from django.core.files.uploadedfile import SimpleUploadedFile

    from crm.consents.services import record_consent
    from crm.models import Consent, Customer, Interaction, User
    from emotions.snapshots.photos import check_upload
    from emotions.uploads.services import log_interaction

    staff = User.objects.create_user("bench", is_staff=True)
    customer = Customer.objects.create(name="Bench", owner=staff)
    record_consent(customer, granted=True, obtained_by=Consent.ObtainedBy.IN_PERSON, recorded_by=staff)
    data = itertools.cycle(photos or [photo(640, 480)])

    def upload() -> int:
        checked = check_upload(SimpleUploadedFile("photo.jpg", next(data)))
        interaction = Interaction(customer=customer)
        return log_interaction(interaction, [checked], consent_obtained_by=None, by=staff)[0].pk

    return upload


def _round_trip(upload: Callable[[], int]) -> float:
    from emotions.models import Snapshot

    started = time.time()
    key = upload()
    wait_for(lambda: not unfinished())
    finished = Snapshot.objects.get(pk=key).finished_at
    assert finished is not None  # noqa: S101 - the snapshot has finished
    return finished.timestamp() - started


def unfinished() -> bool:
    from emotions.models import Snapshot

    return Snapshot.objects.filter(status__in=Snapshot.UNFINISHED).exists()


def finish_times() -> list[float]:
    from emotions.models import Snapshot

    finished = Snapshot.objects.exclude(finished_at=None).values_list("finished_at", flat=True)
    return sorted(each.timestamp() for each in finished if each)


def wait_for(condition: Callable[[], bool], pause: float = 0.01) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("The worker did not finish in time.")
        time.sleep(pause)


@contextmanager
def worker(processes: int) -> Iterator[int]:
    """Run a real worker for as long as the block runs, and yield its process ID."""
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "jobs", "worker", "--loglevel", "ERROR"]
    command += ["--without-gossip", "--without-mingle", "--concurrency", str(processes)]
    process = subprocess.Popen(command, stdout=sys.stderr)  # noqa: S603
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def in_own_process(options: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.queue", "--here", "--photos", str(options.photos)]
        command += ["--processes", str(options.processes), "--singles", str(options.singles)]
        environment = os.environ | {"VAR_DIR": folder, "LOG_LEVEL": "ERROR"}
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)  # noqa: S603
    measured: dict[str, float] = json.loads(result.stdout)
    return measured


def as_table(measured: dict[str, float]) -> str:
    rows = [
        ("first result after the worker's start", f"{measured['first_result_s']:.1f} s", "3 s"),
        ("upload to result, one photo at a time", f"{measured['upload_to_result_ms']:.0f} ms", "1000 ms"),
        ("photos of 640x480 a second", f"{measured['photos_per_s']:.1f}", "25"),
        ("memory of a worker process, peak", f"{measured['worker_mb']:.0f} MB", "350 MB"),
        ("photos that were not analysed", f"{measured['failed']:.0f}", "0"),
    ]
    lines = ["| whole queue | measured | target |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {name} | {figure} | {target} |" for name, figure, target in rows)])


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.queue", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--photos", type=int, default=200, metavar="N", help="photos waiting at once (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="worker processes (%(default)s)")
    parser.add_argument("--singles", type=int, default=20, metavar="N", help="photos sent one by one (%(default)s)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser


def main() -> int:
    options = build_parser().parse_args()
    if options.here:
        print(json.dumps(measure(options)))
        return 0
    measured = in_own_process(options)
    print(json.dumps(measured) if options.json else as_table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Compare the whole stack with the bare pipeline on the same cores, and measure how soon a result is visible.

The bench starts its own PostgreSQL (durable, as installed), Redis, gunicorn and Celery workers on the same cores, in a
folder that is deleted afterwards. In each round the bare pipeline loops over the photos with one process per core. Then
the workers drain a queue with the same photos. A ratio compares the two within a round. A second ratio compares the
processor time of a photo, which other programs on the machine hardly change. At the end, photos are uploaded by HTTP at
a steady rate, and each is timed from its request until a GET shows its result.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench.pipeline import photo
from bench.processes import (
    children,
    family_processor_seconds,
    parent,
    peak_megabytes,
    processor_seconds,
    share_megabytes,
)
from ml.registry import DEFAULT_MODEL

TARGET_RATIO, TARGET_MEDIAN_MS, TARGET_P95_MS = 0.85, 250, 800


def photos(count: int) -> list[bytes]:
    """Return different photos, each with one face."""
    return [photo(640, 480) for _ in range(count)]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return all figures. Run this in its own process, with the environment of the servers."""
    import django

    django.setup()
    from django.core.management import call_command

    from bench.queue import uploader
    from bench.stack_latency import seconds_until_visible
    from bench.stack_profile import milliseconds_by_part

    call_command("migrate", verbosity=0)
    files = photos(options.different)
    upload = uploader(*files)
    rounds: list[dict[str, Any]] = []
    steps = tqdm(total=options.rounds * (1 + len(options.workers)) + 1, unit="step", disable=None)
    with tempfile.TemporaryDirectory() as folder:
        for place, data in enumerate(files):
            (Path(folder) / f"{place}.jpg").write_bytes(data)
        for _ in range(options.rounds):
            bare = _bare(Path(folder), options)
            steps.update()
            drained = {}
            for workers in options.workers:
                drained[workers] = _drained(workers, upload, options.photos)
                steps.update()
            rounds.append({"bare": bare, "workers": drained})
    profile = milliseconds_by_part(upload, files[0], options)
    latencies = seconds_until_visible(files, options) if options.seconds else []
    steps.update()
    steps.close()
    return _summary(rounds, latencies, options) | {"profile": profile}


def _bare(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return photos a second, and milliseconds of processor time per photo, with one bare pipeline per core."""
    command = [sys.executable, "-m", "bench.stack_bare", str(folder), "--model", options.model]
    command += ["--photos", str(options.photos // len(options.cores))]
    begun = [subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) for _ in options.cores]  # noqa: S603
    for process in begun:  # none starts before all are warm
        process.stdout.readline()  # type: ignore[union-attr]
    for process in begun:
        process.stdin.close()  # type: ignore[union-attr]
    spans = [json.loads(process.stdout.read()) for process in begun]  # type: ignore[union-attr]
    for process in begun:
        process.wait()
    return {
        "per_s": sum(span["photos"] / (span["end"] - span["begin"]) for span in spans),
        "pipeline_ms": statistics.mean(span["processor_s"] / span["photos"] for span in spans) * 1000,
    }


def _drained(workers: int, upload: Any, count: int) -> dict[str, float]:
    """Drain a queue of `count` photos with this many worker processes, and return the figures.

    They are photos a second, the memory of a process (its share, and at its peak) and of the parent in megabytes, and
    milliseconds of processor time per photo: of the workers with their parent, of PostgreSQL, and of Redis.
    """
    from bench.queue import finish_times, unfinished, wait_for, worker

    for _ in range(count):
        upload()
    before = len(finish_times())
    with worker(workers) as pid:
        wait_for(lambda: len(finish_times()) > before + 2 * workers, pause=0.25)  # all have loaded the model
        begun, first = _computed(pid), len(finish_times())
        wait_for(lambda: not unfinished(), pause=0.25)
        photos_done = len(finish_times()) - first
        spent = {name: (now - begun[name]) / photos_done * 1000 for name, now in _computed(pid).items()}
        shares = [share_megabytes(child) for child in children(pid)]
        figures = {
            "share_mb": statistics.mean(shares),
            "peak_mb": max(map(peak_megabytes, children(pid))),
            "parent_mb": share_megabytes(pid),
        }
    times = finish_times()[before:]
    return {"per_s": (len(times) - 1) / (times[-1] - times[0])} | figures | spent


def _computed(worker: int) -> dict[str, float]:
    """Return the seconds of processor time used so far."""
    import redis
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postgres = parent(cursor.fetchone()[0])
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL).info()["process_id"]
    return {
        "worker_ms": family_processor_seconds(worker),
        "postgres_ms": family_processor_seconds(postgres),
        "redis_ms": processor_seconds(broker),
    }


def _summary(rounds: list[dict[str, Any]], latencies: list[float], options: argparse.Namespace) -> dict[str, Any]:
    bare = {name: statistics.median(each["bare"][name] for each in rounds) for name in ("per_s", "pipeline_ms")}
    workers = {}
    for count in options.workers:
        runs = [each["workers"][count] for each in rounds]
        workers[count] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        ratios = [each["workers"][count]["per_s"] / each["bare"]["per_s"] for each in rounds]
        workers[count]["ratio"] = statistics.median(ratios)
        computed = [each["bare"]["pipeline_ms"] / _whole_ms(each["workers"][count]) for each in rounds]
        workers[count]["processor_ratio"] = statistics.median(computed)
    visible = {}
    if latencies:
        hundredths = statistics.quantiles(latencies, n=100, method="inclusive")
        visible = {"median_ms": hundredths[49] * 1000, "p95_ms": hundredths[94] * 1000, "photos": len(latencies)}
    return {"cores": len(options.cores), "model": options.model, "bare": bare, "workers": workers} | visible


def _whole_ms(row: Mapping[str, float]) -> float:
    """Return the milliseconds of processor time that a photo takes in the whole stack."""
    return row["worker_ms"] + row["postgres_ms"] + row["redis_ms"]


def in_own_process(options: argparse.Namespace, arguments: list[str]) -> dict[str, Any]:
    from tests.support.servers import postgres, redis_server

    os.sched_setaffinity(0, options.cores)  # child processes inherit this
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "VAR_DIR": folder,
            "DATABASE_URL": stack.enter_context(postgres(hurried=False)).url,
            "CELERY_BROKER_URL": stack.enter_context(redis_server()).url,
            "EMOTION_MODEL": options.model,
            "LOG_LEVEL": "ERROR",
            "SECRET_KEY": "of-a-bench-and-nothing-else-" + "-" * 40,
        }
        command = [sys.executable, "-m", "bench.stack", "--here", *arguments]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)  # noqa: S603
    measured: dict[str, Any] = json.loads(result.stdout)
    return measured


def as_table(measured: dict[str, Any]) -> str:
    lines = [
        f"Bare pipeline ({measured['model']}): {measured['bare']['per_s']:.1f} photos a second on"
        f" {measured['cores']} cores, {measured['bare']['pipeline_ms']:.1f} ms of processor a photo.",
        "",
        "| workers | photos a second | of the bare pipeline | a core | memory of a worker process | at its peak |"
        " processor a photo: workers, PostgreSQL, Redis | bare pipeline of this |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for count, row in measured["workers"].items():
        cores = min(int(count), measured["cores"])
        lines.append(
            f"| {count} | {row['per_s']:.1f} | {row['ratio']:.0%} | {row['per_s'] / cores:.1f} |"
            f" {row['share_mb']:.0f} MB | {row['peak_mb']:.0f} MB |"
            f" {row['worker_ms']:.1f}, {row['postgres_ms']:.1f}, {row['redis_ms']:.1f} ms |"
            f" {row['processor_ratio']:.0%} |"
        )
    lines += ["", "| beside the pipeline | processor a photo |", "| --- | --- |"]
    lines += [f"| {part} | {spent:.1f} ms |" for part, spent in measured["profile"].items()]
    if "median_ms" in measured:
        lines += [
            "",
            f"From upload to visible result, {measured['photos']} photos: median {measured['median_ms']:.0f} ms"
            f" (target {TARGET_MEDIAN_MS}), 95th percentile {measured['p95_ms']:.0f} ms (target {TARGET_P95_MS}).",
        ]
    return "\n".join([*lines, "", f"Target of two workers on two cores: {TARGET_RATIO:.0%} of the bare pipeline."])


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.stack", description=__doc__)
    cores = sorted(os.sched_getaffinity(0))[:2]
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], metavar="N", help="(1 2 4)")
    parser.add_argument("--photos", type=int, default=200, metavar="N", help="of each measurement (%(default)s)")
    parser.add_argument("--different", type=int, default=20, metavar="N", help="photos, repeated (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of which medians are told (%(default)s)")
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="released model (%(default)s)")
    parser.add_argument("--cores", type=int, nargs="+", default=cores, metavar="N", help="to run all on (first two)")
    parser.add_argument("--rate", type=float, default=5, metavar="N", help="photos a second by HTTP (%(default)s)")
    parser.add_argument("--seconds", type=int, default=40, metavar="N", help="for so long; 0: not (%(default)s)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser


def main() -> int:
    options = build_parser().parse_args()
    if options.here:
        print(json.dumps(measure(options)))
        return 0
    measured = in_own_process(options, sys.argv[1:])
    print(json.dumps(measured) if options.json else as_table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())

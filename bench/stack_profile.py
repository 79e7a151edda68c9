"""Measure the cost of a photo outside the pipeline, part by part. One process runs, and asks the pipeline only once."""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ml.types import PhotoAnalysis


@dataclass
class Answered:
    """Stand in for a pipeline, and return its result for the first photo every time."""

    ready: Any
    found: PhotoAnalysis

    @property
    def card(self) -> Any:
        return self.ready.card

    def analyze(self, data: bytes) -> PhotoAnalysis:
        return self.found


@dataclass
class Stopwatch:
    """Add up the processor time of this process by part."""

    seconds: dict[str, float]

    def time(self, part: str, work: Callable[[], Any]) -> Any:
        begun = time.process_time()
        result = work()
        self.seconds[part] = self.seconds.get(part, 0.0) + time.process_time() - begun
        return result


def milliseconds_by_part(upload: Callable[[], int], photo: bytes, options: argparse.Namespace) -> dict[str, float]:
    """Return milliseconds of processor time per photo for each part of its way, in the order of the parts."""
    from emotions.analysis import services
    from emotions.analysis.batches import Analysis, Batch
    from emotions.analysis.tasks import PHOTOS

    ready = services.pipeline()
    answered = Answered(ready, ready.analyze(photo))
    watch = Stopwatch({})
    for _ in range(options.photos):
        watch.time("upload, without HTTP and the check of the photo by the decoder", upload)
    while batch := watch.time("claim", services.take_next):
        analysis = Analysis(Batch(batch.claims, answered))  # type: ignore[arg-type]
        watch.time("load and read", analysis.find_faces)
        watch.time("store with sentiment and webhooks", analysis.store)
        watch.time("message, once a batch here and once a second in a worker", PHOTOS.announce_rest)
    return {part: seconds / options.photos * 1000 for part, seconds in watch.seconds.items()}

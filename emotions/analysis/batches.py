"""Analyse several claimed photos one after another, and store their results together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from emotions.analysis import metrics
from emotions.analysis.storing import Result, store
from emotions.model_versions.models import ModelVersion
from emotions.outcomes.services import fail
from emotions.snapshots.models import Snapshot
from jobs.attempts import attempt
from jobs.outage import connection_lost
from jobs.work import Claim, State
from ml.errors import DecoderKilled, InvalidImage
from ml.pipeline import EmotionPipeline
from ml.types import PhotoAnalysis

# Seconds to wait for a photo's bytes before the results so far are stored.
PATIENCE = 0.05


@dataclass(frozen=True, slots=True)
class Batch:
    """Claimed snapshots, most urgent first, and the pipeline to analyse them with."""

    claims: Sequence[Claim]
    ready: EmotionPipeline


@dataclass(slots=True)
class Analysis:
    """Bring the snapshots of a batch to their end, or back to the queue.

    Results are stored in one transaction. A failure is stored by itself, so that it does not affect the other photos.
    A snapshot that was deleted or withheld meanwhile, or that another worker has taken over, is skipped.
    """

    batch: Batch
    results: list[Result] = field(default_factory=list)  # not yet stored

    def run(self) -> None:
        """Analyse all photos and store the results. Raises what Django raises when the database goes away.

        Snapshots without a stored result then return to the queue: at once if the database can be reached again,
        otherwise when the lease runs out.
        """
        try:
            self.find_faces()
            self.store()
        except Exception as error:
            if connection_lost(error):
                connection.close()  # the next query opens another
                self._give_back(self.batch.claims)
            raise

    def find_faces(self) -> None:
        """Fill `results`. Return the rest of the batch to the queue once a time slice is over."""
        ends = time.monotonic() + settings.ANALYSIS_SLICE
        found = Snapshot.objects.held_by(*self.batch.claims).with_consent().in_bulk()
        snapshots = [found[claim.pk] for claim in self.batch.claims if claim.pk in found]
        for snapshot in snapshots:
            snapshot.attempts = max(snapshot.attempts, 1)  # claiming several counts no attempt
        with _reading_ahead(snapshots) as photos:
            for number, (snapshot, photo) in enumerate(photos, 1):
                if wait([photo], PATIENCE).not_done:  # a slow storage must not delay finished results
                    self.store()
                with self._attempt(snapshot):
                    self.results.append(Result(snapshot, self._analysed(photo) if snapshot.has_consent else None))
                if time.monotonic() >= ends:
                    late = {snapshot.pk for snapshot in snapshots[number:]}
                    self._give_back([claim for claim in self.batch.claims if claim.pk in late])
                    return

    def _analysed(self, photo: Future[bytes]) -> PhotoAnalysis:
        found = self.batch.ready.analyze(photo.result())
        metrics.observe_pipeline(found, self.batch.ready.card)
        return found

    def store(self) -> None:
        """Store all results in one transaction. If that fails, store each by itself to find the one at fault."""
        results, self.results = self.results, []
        try:
            self._store_together(results)
        except Exception as error:
            if connection_lost(error):
                raise
            for result in results:
                with self._attempt(result.snapshot):
                    self._store_together([result])

    def _store_together(self, results: Sequence[Result]) -> None:
        if not results:
            return
        card, started = self.batch.ready.card, time.perf_counter()
        outcomes = store(results, ModelVersion.objects.of(card))
        seconds_each = (time.perf_counter() - started) / len(results)
        for outcome in outcomes:
            metrics.observe("store", seconds_each, card)
            metrics.count(outcome, card)

    @contextmanager
    def _attempt(self, snapshot: Snapshot) -> Iterator[None]:
        # A decoder may be killed because this photo takes too much memory each time. So the attempt counts.
        interruptions, about = (DecoderKilled,), f"Analysing snapshot {snapshot.uuid}"
        with attempt(
            snapshot, fail=fail, about=about, input_errors=(InvalidImage,), interruptions=interruptions
        ) as this:
            try:
                yield
            except Exception:
                snapshot.held().update(attempts=snapshot.attempts)
                raise
        if this.ended_as:
            failed = this.ended_as == State.FAILED
            metrics.count(Snapshot.Status.FAILED if failed else metrics.RETRIED, self.batch.ready.card)

    @staticmethod
    def _give_back(claims: Sequence[Claim]) -> None:
        """Return snapshots to the queue as if they had never been claimed, because nothing is wrong with them."""
        if claims:
            Snapshot.objects.held_by(*claims).release(attempt_counts=False)


@contextmanager
def _reading_ahead(snapshots: Sequence[Snapshot]) -> Iterator[Iterator[tuple[Snapshot, Future[bytes]]]]:
    """Read the next photo in a thread while the block works on one, because storage in the network is slow."""
    reader = ThreadPoolExecutor(1)

    def photos() -> Iterator[tuple[Snapshot, Future[bytes]]]:
        following = (reader.submit(snapshot.read_file) for snapshot in snapshots)
        photo = next(following, None)
        for snapshot in snapshots:
            this, photo = photo, next(following, None)
            if this:
                yield snapshot, this

    try:
        yield photos()
    finally:
        reader.shutdown(wait=False, cancel_futures=True)

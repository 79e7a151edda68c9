"""Read what the pages about models and re-analyses show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.db.models import Count

from emotions.answers.models import EmotionRecord
from emotions.model_management.cards import ReleasedModel, released_models
from emotions.model_versions.models import ModelActivation, ModelVersion
from emotions.model_versions.services import ActiveModel, active_model, model_before, other_versions
from emotions.reanalyses.models import Reanalysis
from emotions.snapshots.models import Snapshot

ACTIVATIONS_SHOWN = 10
RUNS_SHOWN = 10
MOST = 10_000  # photos are counted no further, so that the page appears at once
POLL_EVERY = "1s"


@dataclass(frozen=True, slots=True)
class Entry:
    """A released model in the list."""

    model: ReleasedModel
    active: bool
    records: int  # how many it has made


@dataclass(frozen=True, slots=True)
class Gone:
    """A model that made records and whose files are gone."""

    version: ModelVersion
    records: int


@dataclass(frozen=True, slots=True)
class ModelsPage:
    entries: tuple[Entry, ...]
    gone: tuple[Gone, ...]
    before: Entry | None  # the model to go back to
    lost_before: bool  # whether there was a model before, but its files are gone or altered
    activations: tuple[ModelActivation, ...]
    runs: tuple[Reanalysis, ...]
    photos_of_others: int  # photos that show the answer of a model that is not active, at most MOST + 1

    @property
    def photos_of_others_text(self) -> str:
        return f"more than {MOST:,}" if self.photos_of_others > MOST else f"{self.photos_of_others:,}"

    @property
    def active(self) -> Entry | None:
        return next((entry for entry in self.entries if entry.active), None)


def models_page(models_dir: Path) -> ModelsPage:
    active, before = active_model(), model_before()
    made = _records_made()
    entries = tuple(_entry(model, active, made) for model in released_models(models_dir))
    cards = [entry.model.card for entry in entries if entry.model.card]
    back = next(
        (entry for entry in entries if before and _is_same(entry.model, before) and not entry.model.problem), None
    )
    return ModelsPage(
        entries=entries,
        gone=tuple(
            Gone(version, records)
            for version, records in made
            if not any(version.is_described_by(card) for card in cards)
        ),
        before=back,
        lost_before=before is not None and back is None,
        activations=tuple(ModelActivation.objects.select_related("model_version", "activated_by")[:ACTIVATIONS_SHOWN]),
        runs=tuple(Reanalysis.objects.select_related("model_version", "started_by")[:RUNS_SHOWN]),
        photos_of_others=_photos_of_others(),
    )


def entry(model: ReleasedModel) -> Entry:
    """Return one model, for a page of its own."""
    return _entry(model, active_model(), _records_made())


def _photos_of_others() -> int:
    finished = Snapshot.objects.filter(model_version__in=other_versions(), status__in=Reanalysis.ANALYSED_BEFORE)
    return finished.order_by()[: MOST + 1].count()


def _records_made() -> list[tuple[ModelVersion, int]]:
    """Return every model version that has made records, with their number."""
    counts = dict(EmotionRecord.objects.order_by().values_list("model_version").annotate(Count("pk")))
    versions = ModelVersion.objects.filter(pk__in=counts).order_by("name", "pk")
    return [(version, counts[version.pk]) for version in versions]


def _entry(model: ReleasedModel, active: ActiveModel, made: Iterable[tuple[ModelVersion, int]]) -> Entry:
    card = model.card
    records = sum(count for version, count in made if card and version.is_described_by(card))
    return Entry(model, _is_same(model, active), records)


def _is_same(model: ReleasedModel, other: ActiveModel) -> bool:
    return model.card is not None and model.folder == other.folder and other.is_described_by(model.card)


@dataclass(frozen=True, slots=True)
class Progress:
    """A re-analysis as staff see it."""

    run: Reanalysis

    @property
    def percent(self) -> int:
        if not self.run.is_unfinished:
            return 100 if self.run.status == Reanalysis.Status.DONE else self._share
        return min(self._share, 99)

    @property
    def _share(self) -> int:
        return min(100, 100 * self.run.handled // max(self.run.total, 1))

    @property
    def left_out(self) -> int:
        """Return how many photos were deleted, or analysed by other work, while this ran; 0 until it has ended."""
        return max(self.run.total - self.run.handled, 0) if not self.run.is_unfinished else 0

    @property
    def poll_every(self) -> str:
        return POLL_EVERY if self.run.is_unfinished else ""

    @property
    def state(self) -> str:
        """Return a text that changes whenever the page must be drawn anew."""
        return f"{'running' if self.run.is_unfinished else self.run.status}-{self.run.handled}"


def progress_of(runs: Iterable[Reanalysis]) -> list[Progress]:
    return [Progress(run) for run in runs]

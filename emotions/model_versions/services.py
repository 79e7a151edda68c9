"""Which model analyses photos, and how staff change that. Loads no runtime."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from crm.models import User
from emotions.models import ModelActivation, ModelVersion, Reanalysis
from ml.detector_file import DetectorFile
from ml.errors import ModelUnavailable
from ml.registry import check_model, load_card
from ml.types import ModelCard

ANOTHER_ACTIVATED = "Another model was activated meanwhile."

Stamps = tuple[tuple[str, int], ...]  # names of files, and when each was changed


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """A folder and, once somebody activated the model in it, exactly that one."""

    folder: str
    models_dir: Path
    sha256: str = ""  # of the weights; empty while the settings name the model: then whatever the folder holds
    fingerprint: str = ""  # see ModelCard; empty also for what was activated before it was kept

    def check(self) -> ModelCard:
        """Make sure that its files are complete and those that were activated. Raises ModelUnavailable."""
        card = check_model(self.folder, self.models_dir)
        self.expect(card)
        return card

    def expect(self, card: ModelCard) -> None:
        """Raises ModelUnavailable when the folder holds another model than the one that was activated."""
        if not self.is_described_by(card):
            raise ModelUnavailable(
                f"The folder {self.models_dir / self.folder} no longer holds the model that was activated, but"
                f" {card.name} {card.version}. Put the files back, or activate another model on the Models page."
            )

    def is_described_by(self, card: ModelCard) -> bool:
        return self.sha256 in ("", card.sha256) and self.fingerprint in ("", card.fingerprint)

    @property
    def is_of_settings(self) -> bool:
        return not self.sha256

    def stamps(self) -> Stamps:
        """They change when one of its files does."""
        return stamps_of(sorted((self.models_dir / self.folder).glob("*")))


def active_model() -> ActiveModel:
    """One query. Where nobody has activated a model, the settings name it."""
    newest = ModelActivation.objects.newest()
    if newest is None:
        return ActiveModel(settings.EMOTION_MODEL, settings.MODELS_DIR)
    return _activated(newest)


def _activated(activation: ModelActivation) -> ActiveModel:
    version = activation.model_version
    return ActiveModel(activation.folder, settings.MODELS_DIR, version.sha256, version.fingerprint)


def detector_file() -> DetectorFile | None:
    """The face detector that the settings name, if they name one."""
    if not settings.FACE_DETECTOR_MODEL:
        return None
    return DetectorFile(Path(settings.FACE_DETECTOR_MODEL), settings.FACE_DETECTOR_SHA256)


def stamps_of(files: Iterable[Path]) -> Stamps:
    return tuple((file.name, _changed_at(file)) for file in files)


def _changed_at(file: Path) -> int:
    """In nanoseconds; -1 for what is gone, or a link that leads nowhere."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return -1


def problem_of(model: ActiveModel) -> str:
    """Why it cannot be used, as a sentence; empty when all is well. Cheap as long as its files do not change."""
    return _problem(model, model.stamps())


@lru_cache(maxsize=64)
def _problem(model: ActiveModel, stamps: Stamps) -> str:
    """Cached until a file of the model changes: the checksum of the weights takes milliseconds."""
    try:
        model.check()
    except ModelUnavailable as error:
        return str(error)
    return ""


def activate(folder: str, fingerprint: str, by: User) -> ModelActivation | None:
    """Let photos be analysed by this model from now on; None when it is the active one already.

    Runs with another model end. Raises ModelUnavailable, and changes nothing, when its files are missing, altered,
    or those of a model with another fingerprint than the person saw.
    """
    card = ActiveModel(folder, settings.MODELS_DIR).check()
    if card.fingerprint != fingerprint:
        raise ModelUnavailable(
            f"The files in {settings.MODELS_DIR / folder} are not the ones that the page showed: they are now"
            f" {card.name} {card.version}. Look at the Models page again."
        )
    with transaction.atomic():
        version = ModelVersion.objects.of(card)
        ModelVersion.objects.select_for_update().get(pk=version.pk)  # of two clicks, the second one sees the first
        newest = ModelActivation.objects.newest()
        if newest and (newest.folder, newest.model_version) == (folder, version):
            return None
        activation = ModelActivation.objects.create(model_version=version, folder=folder, activated_by=by)
        Reanalysis.objects.exclude(model_version=version).end(Reanalysis.Status.STOPPED, ANOTHER_ACTIVATED)
        return activation


def other_versions() -> frozenset[int]:
    """Primary keys of the model versions that are not the active one; none when the settings' model cannot be read.

    Where their answers are shown, the page says whose they are: an activation changes no photo.
    """
    newest = ModelActivation.objects.newest()
    if newest:
        return frozenset(ModelVersion.objects.exclude(pk=newest.model_version_id).values_list("pk", flat=True))
    try:
        card = load_card(settings.EMOTION_MODEL, settings.MODELS_DIR)
    except ModelUnavailable:
        return frozenset()
    return frozenset(each.pk for each in ModelVersion.objects.all() if not each.is_described_by(card))


def model_before() -> ActiveModel | None:
    """The one that was active before the active one, to go back to; None when there was no other."""
    newest = ModelActivation.objects.newest()
    if newest is None:
        return None
    others = ModelActivation.objects.exclude(folder=newest.folder, model_version=newest.model_version)
    if before := others.newest():
        return _activated(before)
    return _model_of_settings(unlike=_activated(newest))


def _model_of_settings(*, unlike: ActiveModel) -> ActiveModel | None:
    default = ActiveModel(settings.EMOTION_MODEL, settings.MODELS_DIR)
    try:
        card = load_card(default.folder, default.models_dir)
    except ModelUnavailable:
        return None
    return None if unlike.is_described_by(card) else default

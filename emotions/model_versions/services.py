"""Say which model analyses photos, and whether its files are in order. Loads no runtime."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from emotions.model_versions.models import ModelActivation, ModelVersion
from ml.detector_file import DetectorFile
from ml.errors import ModelUnavailable
from ml.registry import check_model, load_card
from ml.types import ModelCard

ANOTHER_ACTIVATED = "Another model was activated meanwhile."

Stamps = tuple[tuple[str, int], ...]  # for each file its name and when it was changed, in nanoseconds


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """A folder of models and, once somebody has activated the model in it, the identity of that model."""

    folder: str
    models_dir: Path
    sha256: str = ""  # of the weights; empty while the settings name the model, which may then be any in the folder
    fingerprint: str = ""  # see ModelCard; also empty for a model that was activated before fingerprints were kept

    def check(self) -> ModelCard:
        """Check that the files are complete and are the activated ones, and return the model's card.

        Raises ModelUnavailable.
        """
        card = check_model(self.folder, self.models_dir)
        self.expect(card)
        return card

    def expect(self, card: ModelCard) -> None:
        """Raise ModelUnavailable if the folder holds another model than the one that was activated."""
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
        """Return stamps that change when one of the model's files does."""
        return stamps_of(sorted((self.models_dir / self.folder).glob("*")))


def active_model() -> ActiveModel:
    """Return the active model, with one query. Until somebody activates a model, the settings name it."""
    newest = ModelActivation.objects.newest()
    if newest is None:
        return ActiveModel(settings.EMOTION_MODEL, settings.MODELS_DIR)
    return _activated(newest)


def _activated(activation: ModelActivation) -> ActiveModel:
    version = activation.model_version
    return ActiveModel(activation.folder, settings.MODELS_DIR, version.sha256, version.fingerprint)


def detector_file() -> DetectorFile | None:
    """Return the face detector that the settings name; None if they name none."""
    if not settings.FACE_DETECTOR_MODEL:
        return None
    return DetectorFile(Path(settings.FACE_DETECTOR_MODEL), settings.FACE_DETECTOR_SHA256)


def stamps_of(files: Iterable[Path]) -> Stamps:
    return tuple((file.name, _changed_at(file)) for file in files)


def _changed_at(file: Path) -> int:
    """Return when the file was changed, in nanoseconds; -1 if it is gone or is a broken link."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return -1


def problem_of(model: ActiveModel) -> str:
    """Return a sentence that says why the model cannot be used; empty if it can.

    The call is cheap as long as the model's files do not change.
    """
    return _problem(model, model.stamps())


@lru_cache(maxsize=64)
def _problem(model: ActiveModel, stamps: Stamps) -> str:
    """Check the model once for each state of its files, because the checksum of the weights takes milliseconds."""
    try:
        model.check()
    except ModelUnavailable as error:
        return str(error)
    return ""


def other_versions() -> frozenset[int]:
    """Return the primary keys of the versions that are not active; none if the settings' model cannot be read.

    An activation changes no photo. So pages that show answers of these versions say which model they come from.
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
    """Return the model to go back to, which was active before the active one; None if there was no other."""
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

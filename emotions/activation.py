"""Which model analyses photos, and how staff change that. Loads no runtime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from crm.models import User
from emotions.models import ModelActivation, ModelVersion, Reanalysis
from ml.errors import ModelUnavailable
from ml.registry import check_model, load_card
from ml.types import ModelCard

ANOTHER_ACTIVATED = "Another model was activated meanwhile."


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """The model that analyses photos now: a folder and, once somebody activated it, exactly these weights."""

    folder: str
    models_dir: Path
    sha256: str = ""  # empty while the settings name the model: then whatever the folder holds

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
        return self.sha256 in ("", card.sha256)


def active_model() -> ActiveModel:
    """One query. Where nobody has activated a model, the settings name it."""
    newest = ModelActivation.objects.newest()
    if newest is None:
        return ActiveModel(settings.EMOTION_MODEL, settings.MODELS_DIR)
    return ActiveModel(newest.folder, settings.MODELS_DIR, newest.model_version.sha256)


def problem_of(model: ActiveModel) -> str:
    """Why it cannot be used, as a sentence; empty when all is well. Cheap as long as its files do not change."""
    files = sorted((model.models_dir / model.folder).glob("*"))
    return _problem(model, tuple((file.name, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=64)
def _problem(model: ActiveModel, stamps: tuple[tuple[str, int], ...]) -> str:
    """Cached until a file of the model changes: the checksum of the weights takes milliseconds."""
    try:
        model.check()
    except ModelUnavailable as error:
        return str(error)
    return ""


def activate(folder: str, sha256: str, by: User) -> ModelActivation | None:
    """Let photos be analysed by this model from now on; None when it is the active one already.

    Runs with another model end. Raises ModelUnavailable, and changes nothing, when its files are missing, altered,
    or others than the weights of this checksum, which is what the person saw.
    """
    card = ActiveModel(folder, settings.MODELS_DIR).check()
    if card.sha256 != sha256:
        raise ModelUnavailable(
            f"The files in {settings.MODELS_DIR / folder} are not the ones that the page showed: they are now"
            f" {card.name} {card.version}. Look at the Models page again."
        )
    with transaction.atomic():
        version = ModelVersion.objects.of(card)
        newest = ModelActivation.objects.newest()
        if newest and (newest.folder, newest.model_version) == (folder, version):
            return None
        activation = ModelActivation.objects.create(model_version=version, folder=folder, activated_by=by)
        Reanalysis.objects.exclude(model_version=version).end(Reanalysis.Status.STOPPED, ANOTHER_ACTIVATED)
        return activation


def model_before() -> ActiveModel | None:
    """The one that was active before the active one, to go back to; None when there was no other."""
    newest = ModelActivation.objects.newest()
    if newest is None:
        return None
    others = ModelActivation.objects.exclude(folder=newest.folder, model_version=newest.model_version)
    if before := others.newest():
        return ActiveModel(before.folder, settings.MODELS_DIR, before.model_version.sha256)
    return _model_of_settings(unlike=newest)


def _model_of_settings(*, unlike: ModelActivation) -> ActiveModel | None:
    default = ActiveModel(settings.EMOTION_MODEL, settings.MODELS_DIR)
    try:
        card = load_card(default.folder, default.models_dir)
    except ModelUnavailable:
        return None
    return None if card.sha256 == unlike.model_version.sha256 else default

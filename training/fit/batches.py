"""Gives Keras faces and their targets, a batch at a time."""

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from ml.preprocessing import normalise
from ml.types import FaceInputs, GreyFaces
from training.config import Phase, TrainingConfig
from training.data.dataset import Split
from training.fit.augmentation import AUGMENTATIONS, augment, mix

Targets = dict[str, NDArray[np.float32]]  # by labelling: (faces, classes), the share of each class
Weights = dict[str, NDArray[np.float32]]  # by labelling: (faces,), 0 for a face without a label


def make_targets(split: Split, config: TrainingConfig) -> Targets:
    """Return the targets of each face among the classes that are learnt; zeros for a face of another class.

    Raises ValueError if FER+ is wanted and was not given.
    """
    learnt = [EMOTIONS.index(each) for each in config.classes]
    targets = {"fer": np.eye(len(EMOTIONS), dtype=np.float32)[split.labels][:, learnt]}
    if config.ferplus:
        if split.votes is None:
            raise ValueError("The FER+ votes are needed.")
        shares = split.votes.shares()[:, learnt]
        total = shares.sum(axis=1, keepdims=True)
        targets["ferplus"] = np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)
    return targets


def blend_with_teacher(targets: Targets, teacher: Targets, share: float) -> Targets:
    """Return the targets with that share of the teacher's answers. A face without a label still has none."""
    mixed = dict(targets)
    for name, answers in teacher.items():
        labelled = targets[name].sum(axis=1, keepdims=True) > 0
        mixed[name] = np.where(labelled, share * answers + (1 - share) * targets[name], 0).astype(np.float32)
    return mixed


class FaceBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of normalised faces and their targets.

    In a phase of the training, each epoch has another order and other changes, which depend on the seed only. Without
    a phase the faces come as they are. Faces without any target are left out. The answers of a `teacher` for the
    faces of the split, by labelling, are mixed into their targets.
    """

    def __init__(
        self,
        split: Split,
        config: TrainingConfig,
        phase: Phase | None = None,
        first_epoch: int = 0,
        teacher: Targets | None = None,
    ) -> None:
        super().__init__()
        self.split, self.config, self.phase = split, config, phase
        self.targets = blend_with_teacher(make_targets(split, config), teacher or {}, config.teacher_share)
        self.epoch = first_epoch
        self.rows = self.order = np.flatnonzero(sum(target.sum(axis=1) for target in self.targets.values()))
        self._shuffle()

    def _shuffle(self) -> None:
        if self.phase:
            random = np.random.default_rng((self.config.seed, self.epoch))
            self.order = random.permutation(self.rows)

    def __len__(self) -> int:
        return -(-len(self.order) // self.config.batch_size)

    def __getitem__(self, index: int) -> tuple[FaceInputs, Targets, Weights]:
        rows = self.order[index * self.config.batch_size : (index + 1) * self.config.batch_size]
        faces = self.split.faces[rows]
        targets = {name: target[rows] for name, target in self.targets.items()}
        if self.phase is None:
            return self._batch(normalise(faces, self.config.preprocessing), targets)
        random = np.random.default_rng((self.config.seed, self.epoch, index))
        faces = _resize(faces, self.phase.size)
        faces = augment(faces, AUGMENTATIONS[self.config.augmentation], random)
        inputs = normalise(faces, self.config.preprocessing)
        if self.phase.mixup:
            inputs, targets = mix(inputs, targets, self.phase.mixup, random)
        return self._batch(inputs, targets)

    def _batch(self, inputs: FaceInputs, targets: Targets) -> tuple[FaceInputs, Targets, Weights]:
        weights = {name: (target.sum(axis=1) > 0).astype(np.float32) for name, target in targets.items()}
        return inputs, targets, weights

    def on_epoch_end(self) -> None:
        # Keras also calls this once before the first epoch, whichever epoch that is.
        self.epoch += 1
        self._shuffle()


def _resize(faces: GreyFaces, size: int) -> GreyFaces:
    if size == faces.shape[1]:
        return faces
    return np.stack([cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA) for face in faces]).astype(np.uint8)

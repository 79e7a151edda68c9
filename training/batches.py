"""Faces and what they are labelled as, a batch at a time, as Keras wants them."""

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from ml.preprocessing import normalise
from ml.types import FaceInputs, GreyFaces
from training.augment import AUGMENTATIONS, augment, mix
from training.data import Split
from training.run_folder import Phase, TrainingConfig

Targets = dict[str, NDArray[np.float32]]  # by labelling: (faces, classes), how the labels divide
Weights = dict[str, NDArray[np.float32]]  # by labelling: (faces,), 0 where it says nothing


def targets_of(split: Split, config: TrainingConfig) -> Targets:
    """What each face of the split is labelled as, among the classes that are learnt: zeros for a face of another.

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


def taught(targets: Targets, teacher: Targets, share: float) -> Targets:
    """The targets with that share of the teacher's answers; a face that has no label still has none."""
    mixed = dict(targets)
    for name, answers in teacher.items():
        labelled = targets[name].sum(axis=1, keepdims=True) > 0
        mixed[name] = np.where(labelled, share * answers + (1 - share) * targets[name], 0).astype(np.float32)
    return mixed


class FaceBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of normalised faces and their targets.

    For a phase of the training each epoch has another order and other changes, the same for a seed; without
    one the faces come as they are. Faces without any target are left out. What a `teacher` says of the faces of the
    split, by labelling, is mixed into their targets.
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
        self.targets = taught(targets_of(split, config), teacher or {}, config.teacher_share)
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
        # Keras calls this once more before the first epoch, whether it begins at 0 or goes on later.
        self.epoch += 1
        self._shuffle()


def _resize(faces: GreyFaces, size: int) -> GreyFaces:
    if size == faces.shape[1]:
        return faces
    return np.stack([cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA) for face in faces]).astype(np.uint8)

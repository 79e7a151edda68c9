"""Asks other networks for answers that are learnt beside the labels (Hinton et al. 2015, arXiv 1503.02531)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.config import TrainingConfig
from training.data.cache import Arrays, load_or_make
from training.data.dataset import Dataset
from training.errors import TrainingError
from training.fit.mirroring import average_with_mirror_image
from training.fit.prediction import predict_outputs
from training.fit.start import Classes, Start
from training.fit.trained import load_network


@dataclass(frozen=True, slots=True)
class Teacher:
    """The network of a release or of a run's best epoch. It may have any architecture."""

    file: Path
    sha256: str  # of the file
    classes: Classes  # that the network tells apart
    cache: Path  # folder for its answers

    @classmethod
    def load(cls, folder: Path, cache: Path) -> "Teacher":
        """Find the teacher in a folder. Raises TrainingError if it has no network, or no file names the classes."""
        start = Start(folder)
        return cls(start.file, hashlib.sha256(start.file.read_bytes()).hexdigest(), start.classes, cache)

    def answers(self, data: Dataset, config: TrainingConfig) -> Arrays:
        """Return the answers for each training face, averaged with its mirror image, by labelling: (faces, classes).

        They are computed once for a data file. Raises TrainingError if the teacher answers with other classes, or
        with none of the labellings that are to be learnt.
        """
        if self.classes != config.classes:
            raise TrainingError(
                f"The teacher {self.file} tells {', '.join(self.classes)} apart, not {', '.join(config.classes)}."
            )
        file = self.cache / f"teacher-{self.sha256[:16]}-{data.sha256[:16]}.npz"
        shape = (len(data.split("train").labels), len(self.classes))
        answers = load_or_make(
            file,
            lambda: self._compute(data, config),
            lambda arrays: bool(arrays) and all(arrays[name].shape == shape for name in arrays),
        )
        wanted: Arrays = {name: answer for name, answer in answers.items() if name in config.labellings}
        if not wanted:
            raise TrainingError(f"The teacher {self.file} answers {', '.join(answers)}, not what is to be learnt.")
        return wanted

    def _compute(self, data: Dataset, config: TrainingConfig) -> Arrays:
        network = average_with_mirror_image(load_network(self.file))
        faces = data.split("train").faces
        return {**predict_outputs(faces, config.preprocessing, network.predict_on_batch, "Asking the teacher")}


def average_answers(teachers: Sequence[Teacher], data: Dataset, config: TrainingConfig) -> Arrays:
    """Return the mean answer of all teachers for each training face, by labelling; empty without teachers.

    Raises TrainingError as Teacher.answers does.
    """
    answers = [teacher.answers(data, config) for teacher in teachers]
    by_labelling = {name: [each[name] for each in answers if name in each] for name in config.labellings}
    return {name: np.mean(several, axis=0) for name, several in by_labelling.items() if several}

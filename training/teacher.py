"""Other networks whose answers are learnt beside the labels (Hinton et al. 2015, arXiv 1503.02531)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.cache import Arrays, cached
from training.data import Fer2013
from training.errors import TrainingError
from training.mirroring import with_mirror_image
from training.run_folder import TrainingConfig
from training.scoring import score_outputs
from training.start import Classes, Start
from training.trained import load_network


@dataclass(frozen=True, slots=True)
class Teacher:
    """The network of a release or of a run's best epoch, of any architecture."""

    file: Path
    sha256: str  # of the file
    classes: Classes  # that it tells apart
    cache: Path  # folder for its answers

    @classmethod
    def of(cls, folder: Path, cache: Path) -> "Teacher":
        """Raises TrainingError if the folder has no network, or nothing tells its classes."""
        start = Start(folder)
        return cls(start.file, hashlib.sha256(start.file.read_bytes()).hexdigest(), start.classes, cache)

    def answers(self, data: Fer2013, config: TrainingConfig) -> Arrays:
        """What it says of each training face and its mirror image, by labelling: (faces, classes).

        They are computed once for a data file. Raises TrainingError if it answers with other classes, or with
        none of the labellings that are to be learnt.
        """
        if self.classes != config.classes:
            raise TrainingError(
                f"The teacher {self.file} tells {', '.join(self.classes)} apart, not {', '.join(config.classes)}."
            )
        file = self.cache / f"teacher-{self.sha256[:16]}-{data.sha256[:16]}.npz"
        shape = (len(data.split("train").labels), len(self.classes))
        answers = cached(
            file,
            lambda: self._compute(data, config),
            lambda arrays: bool(arrays) and all(arrays[name].shape == shape for name in arrays),
        )
        wanted: Arrays = {name: answer for name, answer in answers.items() if name in config.labellings}
        if not wanted:
            raise TrainingError(f"The teacher {self.file} answers {', '.join(answers)}, not what is to be learnt.")
        return wanted

    def _compute(self, data: Fer2013, config: TrainingConfig) -> Arrays:
        network = with_mirror_image(load_network(self.file))
        faces = data.split("train").faces
        return {**score_outputs(faces, config.preprocessing, network.predict_on_batch, "Asking the teacher")}


def mean_answers(teachers: Sequence[Teacher], data: Fer2013, config: TrainingConfig) -> Arrays:
    """The mean of what they answer of each training face, by labelling: an ensemble's answer. Nothing of nobody.

    Raises TrainingError as Teacher.answers does.
    """
    answers = [teacher.answers(data, config) for teacher in teachers]
    by_labelling = {name: [each[name] for each in answers if name in each] for name in config.labellings}
    return {name: np.mean(several, axis=0) for name, several in by_labelling.items() if several}

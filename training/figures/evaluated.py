"""What an evaluation has found, for JSON and for people."""

from dataclasses import dataclass
from typing import Any

from training.data.dataset import Labelling, SplitName
from training.figures.evaluation import Evaluation
from training.figures.metrics import format_table


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model's figures on one split of some data."""

    model: str
    data: str
    split: SplitName
    labels: Labelling
    output: str  # which of the model's outputs answered
    uncertain_below: float  # the model's own threshold
    all_images: Evaluation
    without_near_duplicates: Evaluation | None  # for the test split, if there are training images to compare with
    milliseconds_a_face: float | None  # one thread, one face at a time; for released models only
    without_face: int | None = None  # whole photos in which no face was found; None for cropped faces

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON; those of all images are on the first level."""
        new = self.without_near_duplicates
        return {
            "model": self.model,
            "data": self.data,
            "split": self.split,
            "labels": self.labels,
            "output": self.output,
            "uncertain_below": self.uncertain_below,
            **self.all_images.as_dict(),
            "without_near_duplicates": new and new.as_dict(),
            "milliseconds_a_face": self.milliseconds_a_face and round(self.milliseconds_a_face, 2),
            "without_face": self.without_face,
        }

    def as_text(self) -> str:
        """Return the figures for people."""
        figures, at_threshold = self.all_images, self.all_images.at_threshold
        scored = f"the {self.split} split of {self.data}, labels {self.labels}"
        if self.without_face is not None:
            scored = f"the whole photos of {self.data}, the largest face of each"
        lines = [
            f"{self.model} on {scored}",
            format_table(figures.metrics),
            "",
            f"Calibration error {figures.confidence.calibration_error:.3f}",
            f"Answering from a confidence of {self.uncertain_below:.2f} on, it answers"
            f" {at_threshold.answered:.1%} of the faces, {at_threshold.right or 0:.1%} of these rightly",
            *self._remarks(),
        ]
        return "\n".join(lines)

    def _remarks(self) -> list[str]:
        figures, remarks = self.all_images, []
        if figures.without_majority:
            remarks.append(f"{figures.without_majority} images without a FER+ majority are left out")
        if figures.of_other_classes:
            remarks.append(f"{figures.of_other_classes} images of classes that the model does not know are left out")
        if self.without_face:
            remarks.append(
                f"{self.without_face} photos without a found face count as wrong, the confidence is of the others"
            )
        if new := self.without_near_duplicates:
            headline = format_table(new.metrics).splitlines()[0]
            remarks.append(f"Without near-duplicates of training images: {headline}")
        if self.milliseconds_a_face:
            remarks.append(f"{self.milliseconds_a_face:.1f} ms a face on one thread")
        return remarks

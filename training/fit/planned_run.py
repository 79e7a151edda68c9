"""One run of a plan, and how far it is."""

from dataclasses import dataclass
from pathlib import Path

from training.config import TrainingConfig
from training.errors import TrainingError
from training.fit.run_folder import CONFIG_FILE, describe_differences, read_log, read_record


@dataclass(frozen=True, slots=True)
class PlannedRun:
    name: str
    folder: Path
    arguments: list[str]  # of the command `train`, without those that are given once for the plan
    config: TrainingConfig

    def epochs_done(self) -> int:
        """Count the finished epochs. Raises TrainingError if the log is damaged, or the folder holds another run."""
        if not (self.folder / CONFIG_FILE).exists():
            return 0
        if differences := describe_differences(read_record(self.folder).config, self.config):
            raise TrainingError(
                f"{self.folder} holds a run with other settings than the plan's {self.name!r}: {differences}. Give the"
                " run another name in the plan, or put its settings back."
            )
        return len(read_log(self.folder))

    def is_finished(self) -> bool:
        return self.epochs_done() >= self.config.epochs

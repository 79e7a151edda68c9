"""Reads a face detector's file that the user downloads and names. Loads no runtime."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ml.errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class DetectorFile:
    """The file that a detector is read from, and the sha256 that it must have."""

    path: Path
    sha256: str  # hexadecimal

    def read(self) -> bytes:
        """Return the content. Raises ModelUnavailable when the file cannot be read or is another one."""
        try:
            model = self.path.read_bytes()
        except OSError as error:
            raise ModelUnavailable(
                f"The face detector {self.path} cannot be read ({error.strerror}). Name the file that you downloaded."
            ) from error
        if (found := hashlib.sha256(model).hexdigest()) != self.sha256.strip().lower():
            raise ModelUnavailable(
                f"The face detector {self.path} is not the file that was named: its sha256 is {found},"
                f" not {self.sha256}. Download it again or correct the checksum."
            )
        return model

"""Find and kill the processes that decode photos, as an operator or a system short of memory would."""

import os
import signal
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

from PIL import Image

from ml.photo import PhotoLimits
from tests.support.photos import encoded

CONFINED = f"Max cpu time              {PhotoLimits().seconds} "


@cache
def slow_photo() -> bytes:
    """Return a photo that takes about 0.3 seconds of processor time to decode."""
    data = encoded(Image.effect_noise((2600, 2000), 50), progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 8 + data[-2:]


def decoders_below(process: int) -> list[int]:
    """Return the descendants of a process that are decoding a photo. They have a limit of processor time."""
    with suppress(FileNotFoundError, ProcessLookupError):
        of_threads = [file.read_text() for file in Path(f"/proc/{process}/task").glob("*/children")]
        children = [int(child) for child in " ".join(of_threads).split()]
        here = [process] if CONFINED in Path(f"/proc/{process}/limits").read_text() else []
        return here + [found for child in children for found in decoders_below(child)]
    return []


class Killer(threading.Thread):
    """A thread that kills each decoder below a process as soon as it is at work, or only the first ones."""

    def __init__(self, process: int, most: int = 1000, by: signal.Signals = signal.SIGKILL) -> None:
        super().__init__(daemon=True)
        self._process, self._most, self._by = process, most, by
        self._stopped = threading.Event()
        self._older = set(decoders_below(process))  # these have answered and are about to end
        self.killed: set[int] = set()

    def __enter__(self) -> "Killer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while len(self.killed) < self._most and not self._stopped.wait(0.002):
            for decoder in decoders_below(self._process):
                if decoder not in self.killed | self._older and len(self.killed) < self._most:
                    self.killed.add(decoder)
                    with suppress(ProcessLookupError):
                        os.kill(decoder, self._by)

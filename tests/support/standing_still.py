"""Hold an analysis while it is under way."""

import os
from collections.abc import Callable
from pathlib import Path

from emotions.models import Snapshot
from tests.support.analysing import analyse
from tests.support.factories import face_photo
from tests.support.threads import InThread, in_thread


class Middle:
    """An analysis that waits while it reads its photo, which is a pipe, until the test lets it go on."""

    def __init__(self, snapshot: Snapshot, work: Callable[[], None] | None = None) -> None:
        """Start `work`, which reads the photo. By default, it is the analysis of that snapshot."""
        path = Path(snapshot.file.path)
        path.unlink()
        os.mkfifo(path)
        self.thread: InThread[None] = in_thread(work or (lambda: analyse(snapshot.pk)))
        self._pipe = path.open("wb")  # returns when the analysis opens the other end

    def go_on(self) -> None:
        with self._pipe:
            self._pipe.write(face_photo())
        self.thread.result()

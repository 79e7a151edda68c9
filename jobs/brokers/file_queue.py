"""Extend kombu's filesystem broker so that a message appears either complete or not at all."""

import os
import time
import uuid
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Write each message to a temporary file, then rename it.

    kombu writes directly into a file that a worker may already be reading. Half a message crashes that worker.
    """

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # kombu uses these names too.
        name = f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg"
        partial = os.path.join(self.data_folder_out, f".{name}.partial")
        try:
            with open(partial, "w") as file:
                file.write(dumps(payload))
            os.replace(partial, os.path.join(self.data_folder_out, name))
        except OSError as error:
            raise ChannelError(f"The message cannot be written into {self.data_folder_out}: {error}") from error


class Transport(filesystem.Transport):
    Channel = Channel

    @property
    def default_connection_params(self) -> dict[str, str]:
        return {}  # There is no host, and kombu would log a warning about that for every connection.

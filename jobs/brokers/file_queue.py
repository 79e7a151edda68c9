"""kombu's filesystem broker, with messages that appear whole or not at all."""

import os
import time
import uuid
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """kombu's own writes into the file that a worker may just be reading: that worker dies of half a message."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # kombu calls it so too
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
        return {}  # there is no host; kombu would warn of that at every connection

"""Use a Celery broker of a test's own, and read the messages that wait in it."""

import base64
import json
import os
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kombu import pools

from jobs.celery import app


@dataclass(frozen=True)
class Message:
    task: str
    args: list[Any]


class Queue:
    """The folder of a filesystem broker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listen()

    def listen(self) -> None:
        """Send this process's tasks to this queue."""
        use_broker("filesystem://", file_queue(self.folder))

    def messages(self) -> list[Message]:
        """Return the waiting messages, oldest first."""
        return [_read(json.loads(file.read_text())) for file in sorted(self.folder.glob("*.msg"))]

    def take(self) -> list[Message]:
        """Return the waiting messages and empty the queue."""
        taken = self.messages()
        for file in self.folder.glob("*.msg"):
            file.unlink()
        return taken

    def work(self) -> None:
        """Do the waiting tasks in this process, as a worker would."""
        for message in self.take():
            app.tasks[message.task](*message.args)


def _read(envelope: dict[str, Any]) -> Message:
    args, _, _ = json.loads(base64.b64decode(envelope["body"]))
    return Message(envelope["headers"]["task"], args)


def use_redis(url: str, **environment: str) -> None:
    """Send this process's tasks to a Redis, with the options that the settings have for one in that environment."""
    with pytest.MonkeyPatch.context() as variables:
        for name, value in {"CELERY_BROKER_URL": url, **environment}.items():
            variables.setenv(name, value)
        settings = runpy.run_path(str(Path(__file__).parents[2] / "config" / "settings.py"))
    use_broker(url, settings["CELERY_BROKER_TRANSPORT_OPTIONS"], settings["CELERY_BROKER_USE_SSL"])


def use_broker(url: str, options: dict[str, Any], tls: dict[str, Any] | None = None) -> None:
    """Send this process's tasks to another broker."""
    os.environ.pop("CELERY_BROKER_URL", None)  # Celery reads the variable too, and prefers it to its configuration
    app.conf.update(broker_url=url, broker_transport_options=options, broker_use_ssl=tls)
    pools.reset()
    app._pool = None  # type: ignore[attr-defined]
    app.amqp._producer_pool = None  # type: ignore[attr-defined]


def file_queue(folder: Path) -> dict[str, Any]:
    """Return the transport options of a filesystem broker in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.05,
    }

"""Test the filesystem broker with several processes."""

import subprocess
import sys
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

from tests.support.broker import file_queue

COUNT = 1000
WRITER = f"""
import sys
from kombu import Connection
from jobs.brokers.file_queue import Transport
options = dict(data_folder_in=sys.argv[1], data_folder_out=sys.argv[1], control_folder=sys.argv[1] + "/control")
channel = Connection(transport=Transport, transport_options=options).default_channel
for number in range({COUNT}):
    channel._put("celery", {{"number": number, "padding": "x" * 1000}})
"""


def test_a_reader_never_meets_half_a_message(tmp_path: Path) -> None:
    import jobs.celery  # noqa: F401  (its import makes "filesystem" the project's own transport)

    numbers: list[int] = []
    with Connection("filesystem://", transport_options=file_queue(tmp_path)) as connection:
        channel: Any = connection.default_channel
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], cwd=Path(__file__).parents[3])
        while len(numbers) < COUNT and (writer.poll() is None or any(tmp_path.glob("*.msg"))):
            try:
                numbers.append(channel._get("celery")["number"])
            except Empty:
                continue
    assert writer.wait() == 0
    assert numbers == list(range(COUNT))  # every message arrives once, whole and in order


def test_a_message_that_cannot_be_written_is_an_error_of_the_broker(tmp_path: Path) -> None:
    with Connection("filesystem://", transport_options=file_queue(tmp_path)) as connection:
        channel: Any = connection.default_channel
        channel.data_folder_out = str(tmp_path / "gone")
        with pytest.raises(ChannelError, match="gone"):
            channel._put("celery", {"number": 1})

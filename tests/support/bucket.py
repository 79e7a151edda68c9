"""Run a real S3-compatible server, which checks signatures and how long they are valid."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from tests.support.waiting import wait_until

NAME, ACCESS_KEY, SECRET_KEY = "photos", "access-key-of-a-test", "secret-key-of-a-test"


class Bucket:
    """A bucket whose objects are files in a folder. A test may stop its server and start it again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.files = folder / NAME
        self.files.mkdir(parents=True)
        self.environment = {
            "S3_BUCKET": NAME,
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "S3_ACCESS_KEY": ACCESS_KEY,
            "S3_SECRET_KEY": SECRET_KEY,
        }
        options = ["--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
        self._command = [sys.executable, "-m", "nanio", "serve", *options, "--log-level", "warning"]
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Any = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.environment["S3_ENDPOINT_URL"],
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    def start(self) -> None:
        keys = {"NANIO_ACCESS_KEY": ACCESS_KEY, "NANIO_SECRET_KEY": SECRET_KEY}
        self._process = subprocess.Popen(self._command, env=os.environ | keys)
        wait_until(self._answers, "the bucket answers")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def names(self) -> set[str]:
        """Return the names of its objects."""
        return {each["Key"] for each in self._client.list_objects_v2(Bucket=NAME).get("Contents", ())}

    def _answers(self) -> bool:
        try:
            self.names()
        except BotoCoreError:
            return False
        return True

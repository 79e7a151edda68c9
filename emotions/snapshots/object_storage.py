"""Store photos in an S3-compatible bucket: django-storages with the errors and links that this app needs."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import ContentFile, File
from storages.backends.s3 import S3Storage


class ObjectStorage(S3Storage):  # type: ignore[misc]  # django-storages is not typed
    """Store files in the bucket, and raise OSError as a folder does.

    A missing file raises FileNotFoundError, and a bucket that cannot be used raises ConnectionError.
    """

    def get_default_settings(self) -> dict[str, Any]:
        endpoint = settings.S3_ENDPOINT_URL or None
        ours: dict[str, Any] = {
            "bucket_name": settings.S3_BUCKET,
            "endpoint_url": endpoint,
            "region_name": settings.S3_REGION,
            "querystring_expire": settings.S3_LINK_SECONDS,
            "transfer_config": TransferConfig(use_threads=False),  # photos are small
            "client_config": Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if endpoint else "auto"},  # only Amazon answers to BUCKET.HOST reliably
                request_checksum_calculation="when_required",  # other servers refuse unknown checksums
                response_checksum_validation="when_required",
                # A person may be waiting for the answer, so give up soon. A worker tries the photo again anyway.
                connect_timeout=3,
                read_timeout=15,
                retries={"total_max_attempts": 2, "mode": "standard"},
            ),
        }
        if settings.S3_ACCESS_KEY:
            ours |= {"access_key": settings.S3_ACCESS_KEY, "secret_key": settings.S3_SECRET_KEY}
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | ours

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        """Open a file for reading, with one request. django-storages would send two."""
        with _like_a_folder(name):
            return ContentFile(self.bucket.Object(name).get()["Body"].read(), name)

    def _save(self, name: str, content: File[bytes]) -> str:
        with _like_a_folder(name):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with _like_a_folder(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with _like_a_folder(name):
            return bool(super().exists(name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with _like_a_folder(name):
            folders, files = super().listdir(name)
            return folders, files

    def get_modified_time(self, name: str) -> datetime:
        with _like_a_folder(name):
            written: datetime = super().get_modified_time(name)
            return written

    def link(self, name: str, saved_as: str, content_type: str) -> str:
        """Return a link that downloads the file under the name `saved_as`. Anybody can use it for S3_LINK_SECONDS."""
        with _like_a_folder(name):
            wanted = {
                "ResponseContentDisposition": f'attachment; filename="{saved_as}"',
                "ResponseContentType": content_type,
                "ResponseCacheControl": "private, no-store",
            }
            return str(self.url(name, parameters=wanted))


@contextmanager
def _like_a_folder(name: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):  # HEAD answers with 404
            raise FileNotFoundError(errno.ENOENT, "There is no such photo in the bucket", name) from error
        raise ConnectionError(f"The bucket of the photos refuses: {error}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise ConnectionError(f"The bucket of the photos cannot be reached: {error}") from error

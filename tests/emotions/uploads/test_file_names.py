"""Test that a photo is accepted whatever its file is called."""

from __future__ import annotations

import io
from typing import cast

import pytest
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http.multipartparser import MultiPartParser

from emotions.models import Snapshot
from emotions.uploads.api.file_names import MAX_HEADERS, ReadableFileNames, readable_headers
from ml.image import strip
from tests.support.api import System
from tests.support.factories import InteractionFactory, face_photo

FORM = "multipart/form-data; boundary=XX"
LINE = b'Content-Disposition: form-data; name="photos"; '


def body(disposition: bytes, content: bytes) -> bytes:
    field = b'--XX\r\nContent-Disposition: form-data; name="captured_at"\r\n\r\n2026-01-02T03:04:05Z\r\n'
    part = b"--XX\r\n" + LINE + disposition + b"\r\nContent-Type: image/jpeg\r\n\r\n" + content
    return field + part + b"\r\n--XX--\r\n"


def parsed(disposition: bytes) -> UploadedFile[bytes]:
    """Return the uploaded photo as Django's form parser finds it."""
    sent = body(disposition, b"pixels")
    about = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(sent))}
    stream = ReadableFileNames(io.BytesIO(sent), "XX")
    fields, files = MultiPartParser(about, stream, [TemporaryFileUploadHandler()]).parse()  # type: ignore[arg-type]
    assert fields.dict() == {"captured_at": "2026-01-02T03:04:05Z"}
    return cast("UploadedFile[bytes]", files["photos"])


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b'filename="IMG_1.jpg"', "IMG_1.jpg"),
        (b"filename=IMG_1.jpg", "IMG_1.jpg"),
        ('filename="Grün.jpg"'.encode(), "Grün.jpg"),
        ('filename="Grün.jpg"'.encode("latin-1"), "Grün.jpg"),
        (b'filename="\xff\xfe.jpg"', "ÿþ.jpg"),
        (b'filename="Gr\xc3.jpg"', "GrÃ.jpg"),
        (b'filename=".."', "photo"),
        (b'filename="../.."', "photo"),
        (b'filename="."', "photo"),
        (b'filename="\x01\x02"', "photo"),
        (b'filename="photos/"', "photo"),
        (b'filename="C:\\photos\\a.jpg"', "a.jpg"),
        (b'filename="/etc/passwd"', "passwd"),
        (b'filename="say \\"cheese\\".jpg"', "say 'cheese'.jpg"),
        (b'filename="a; name=b.jpg"', "a; name=b.jpg"),
        (b'filename="' + b"a" * 5000 + b'.jpg"', "a" * 251 + ".jpg"),
        (b'filename="' + b'\\"' * 5000 + b'.jpg"', "'" * 251 + ".jpg"),
        (f'filename="{"図" * 300}.jpg"'.encode(), "図" * 248 + ".jpg"),
        (b"filename*=UTF-8''Gr%C3%BCn.jpg", "Grün.jpg"),
        (b"filename*=UTF-8''" + b"%E5%9B%B3" * 255, "図" * 250),
        (b"filename=\"x.jpg\"; filename*=utf-8''Gr%C3%BCn.jpg", "Grün.jpg"),
        (b"filename*=iso-8859-1''Gr%FCn.jpg", "Grün.jpg"),
        (b"filename*=no-such-set''a.jpg", "a.jpg"),
        (b"filename*=UTF-8''a%0D%0AX-Other:%20b.jpg", "aX-Other: b.jpg"),
        (b"filename*=UTF-8''%2E%2E", "photo"),
    ],
)
def test_django_reads_a_photo_whatever_its_file_is_called(disposition: bytes, name: str) -> None:
    photo = parsed(disposition)
    assert (photo.name, photo.read(), photo.content_type) == (name, b"pixels", "image/jpeg")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('filename="Grün.jpg"'.encode("latin-1"), "Grün.jpg"),
        (b'filename=".."', "photo"),
        (b'filename="' + b"a" * 5000 + b'.jpg"', "a" * 251 + ".jpg"),
        (b'x="y"', "photo"),
        (b'filename="a.jpg"\r\nX-Camera: ' + b"a" * 5000, "a.jpg"),
    ],
)
def test_a_photo_is_stored_whatever_its_file_is_called(disposition: bytes, name: str) -> None:
    path = f"interactions/{InteractionFactory().uuid}/snapshots"
    answer = System().post(path, body(disposition, face_photo()), content_type=FORM)
    assert answer.status_code == 202, answer.content
    assert answer.json()["original_name"] == name
    snapshot = Snapshot.objects.get()
    assert snapshot.captured_at.year == 2026
    with snapshot.file.open() as stored:
        assert stored.read() == strip(face_photo())


@pytest.mark.parametrize("size", [1, 2, 7, 50, 4096])
def test_the_pieces_in_which_a_body_comes_do_not_matter(size: int) -> None:
    whole = body('filename="Grün.jpg"'.encode("latin-1"), b"pixels\r\n--X, and more\r\n\r\n" * 100)
    stream = ReadableFileNames(io.BytesIO(whole), "XX")
    read = b"".join(iter(lambda: stream.read(size), b""))
    assert read == whole.replace('"Grün.jpg"'.encode("latin-1"), '"Grün.jpg"'.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no form",
        b"--XX",
        b"--XX--",
        b"--XX\r\n\r\nfield",
        b'--XX\r\nContent-Disposition: form-data; name="notes"\r\n\r\nnice\r\n--XX--\r\n',
        b'--XX\r\nContent-Disposition: form-data; name="photos"; filename=""\r\n\r\n\r\n--XX--\r\n',
        b"--XX\r\nContent-Disposition: " + b"a" * (MAX_HEADERS + 10_000),
        b"--XX\r\nContent-Disposition: " + b"a" * (MAX_HEADERS + 10_000) + b"\r\n\r\nbody\r\n--XX--",
    ],
)
@pytest.mark.parametrize("size", [1000, 100_000])
def test_what_holds_no_file_passes_as_it_is(data: bytes, size: int) -> None:
    stream = ReadableFileNames(io.BytesIO(data), "XX")
    assert b"".join(iter(lambda: stream.read(size), b"")) == data


def test_a_files_other_headers_stay() -> None:
    given = b"\r\n" + LINE + b'filename="a"\r\ncontent-type: image/png\r\nContent-Transfer-Encoding: base64\r\nX-A: b'
    expected = b"\r\n" + LINE + b'filename="a"\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64'
    assert readable_headers(given) == expected

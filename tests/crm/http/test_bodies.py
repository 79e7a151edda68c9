"""Check how a body is read, piece by piece."""

import io

import pytest
from django.http import UnreadablePostError

from crm.http.bodies import Body

MULTIPART = "multipart/form-data; boundary=XX"
FORM = b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--XX--'


def read(content: bytes, content_type: str, size: int) -> bytes:
    body = Body({"wsgi.input": io.BytesIO(content), "CONTENT_TYPE": content_type}, len(content))
    return b"".join(iter(lambda: body.read(size), b""))


@pytest.mark.parametrize("size", [1, 3, 7, len(FORM), 1000])
@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\nan epilogue, which nobody reads"])
def test_a_form_is_whole_with_its_closing_boundary(size: int, end: bytes) -> None:
    assert read(FORM + end, MULTIPART, size) == FORM + end


@pytest.mark.parametrize("size", [1, 3, 7, len(FORM), 1000])
@pytest.mark.parametrize("missing", [1, 2, 6, 30])
def test_a_form_without_it_breaks_off(size: int, missing: int) -> None:
    with pytest.raises(UnreadablePostError):
        read(FORM[:-missing], MULTIPART, size)


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=XX"]
)
def test_what_is_no_form_with_a_boundary_is_read_as_it_is(content_type: str) -> None:
    assert read(FORM[:-1], content_type, 10) == FORM[:-1]


def test_a_quoted_boundary_is_understood() -> None:
    assert read(FORM, 'Multipart/Form-Data; charset=utf-8; boundary="XX"', 10) == FORM

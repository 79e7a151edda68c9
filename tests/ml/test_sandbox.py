"""A process may die of the photo that it decodes, but no other process does."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml import image, sandbox
from ml.errors import DecoderKilled, DecoderUnavailable, InvalidImage
from ml.photo import MEGABYTE, PhotoLimits
from ml.sandbox.client import KILLED, Sandbox
from ml.sandbox.jobs import TOO_MUCH_MEMORY
from ml.turn import Turn
from tests.support.decoders import Killer, slow_photo
from tests.support.photos import FORMATS, astronaut, encoded, exif

PHOTO = encoded(astronaut(), exif=exif(taken="2024:05:17 14:03:02"))
LIMITS = PhotoLimits()


@pytest.fixture
def box() -> Sandbox:
    return Sandbox()


def check(box: Sandbox, data: bytes, limits: PhotoLimits = LIMITS) -> int:
    return int(box.ask("check", data, limits, {})[0]["width"])


@pytest.mark.parametrize("image_format", FORMATS)
def test_gives_the_same_picture_as_the_decoder(image_format: str) -> None:
    data = encoded(astronaut().resize((1200, 900)), image_format)
    for long_side in (None, 300):
        inside, outside = sandbox.decode(data, None, long_side), image.decode(data, None, long_side)
        assert (inside.width, inside.height, inside.scale) == (outside.width, outside.height, outside.scale)
        assert np.array_equal(inside.image, outside.image)
    assert sandbox.check_photo(data) == image.check_photo(data)


def test_knows_when_the_photo_was_taken() -> None:
    assert sandbox.check_photo(PHOTO).captured_at == datetime(2024, 5, 17, 14, 3, 2)


def test_makes_an_upright_preview_without_metadata() -> None:
    preview = sandbox.render_preview(PHOTO, None, 100, 80)
    assert preview[:3] == b"\xff\xd8\xff"
    assert sandbox.check_photo(preview).width == 100
    assert sandbox.check_photo(preview).captured_at is None


def test_a_refusal_is_the_decoders_own() -> None:
    with pytest.raises(InvalidImage, match="incomplete or broken"):
        sandbox.check_photo(PHOTO[:4000])
    with pytest.raises(InvalidImage, match="is empty"):
        sandbox.decode(b"")
    with pytest.raises(InvalidImage, match="MB"):
        sandbox.decode(PHOTO, PhotoLimits(max_bytes=1000))
    with pytest.raises(InvalidImage, match="megapixels"):
        sandbox.check_photo(PHOTO, PhotoLimits(max_pixels=256 * 256 - 1))


def test_the_system_stops_what_takes_too_much_processor(box: Sandbox) -> None:
    slow = encoded(Image.effect_noise((4000, 3000), 50), progressive=True)
    last = slow.rindex(b"\xff\xda")
    with pytest.raises(InvalidImage) as refused:
        check(box, slow[:last] + slow[last:-2] * 20, PhotoLimits(max_bytes=10**9, memory=10**10, seconds=1))
    assert str(refused.value) == KILLED
    assert check(box, PHOTO) == 512


def test_the_system_refuses_too_much_memory(box: Sandbox) -> None:
    large = encoded(astronaut().resize((6000, 4000)), "PNG")
    assert check(box, large) == 6000
    with pytest.raises(InvalidImage) as refused:
        box.ask("decode", large, PhotoLimits(memory=100 * MEGABYTE), {"long_side": 960})
    assert str(refused.value) == TOO_MUCH_MEMORY
    assert check(box, PHOTO) == 512


def test_a_photo_whose_decoder_is_killed_is_read_by_another(box: Sandbox) -> None:
    with Killer(os.getpid(), most=1) as killer:
        assert check(box, slow_photo()) == 2600
    assert len(killer.killed) == 1


def test_a_photo_is_not_to_blame_when_the_second_decoder_is_killed_too(box: Sandbox) -> None:
    with Killer(os.getpid()) as killer, pytest.raises(DecoderKilled, match="Try again later"):
        check(box, slow_photo())
    assert len(killer.killed) == 2
    assert check(box, PHOTO) == 512


@pytest.mark.parametrize("crash", [signal.SIGSEGV, signal.SIGABRT, signal.SIGXCPU])
def test_a_photo_that_breaks_its_decoder_is_refused(box: Sandbox, crash: signal.Signals) -> None:
    with Killer(os.getpid(), by=crash) as killer, pytest.raises(InvalidImage) as refused:
        check(box, slow_photo())
    assert str(refused.value) == KILLED
    assert len(killer.killed) == 1


def test_a_program_that_was_killed_is_started_again(box: Sandbox) -> None:
    assert check(box, PHOTO) == 512
    for _ in range(2):
        assert box._process
        killed = box._process.pid
        os.kill(killed, signal.SIGKILL)
        assert check(box, PHOTO) == 512
        assert box._process.pid != killed


def test_photos_during_a_kill_are_refused_or_read_and_no_thread_waits(box: Sandbox) -> None:
    """Each thread gets an answer, whenever the program is killed."""

    def ask(number: int) -> int:
        if number % 10 == 0 and box._process:
            box._process.send_signal(signal.SIGKILL)
        try:
            return check(box, PHOTO)
        except (InvalidImage, DecoderUnavailable):
            return 0

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(ask, range(60)))
    assert set(answers) <= {0, 512}
    assert answers.count(512) > 30
    assert check(box, PHOTO) == 512


def test_a_program_that_does_not_start_is_no_fault_of_the_photo(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(DecoderUnavailable, match="Try again later"):
        check(box, PHOTO)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DecoderUnavailable):
        check(box, PHOTO)
    monkeypatch.undo()
    assert check(box, PHOTO) == 512


def test_ends_with_the_process_that_asked_and_knows_none_of_its_secrets() -> None:
    code = (
        "from ml import sandbox; sandbox.start_sandbox(); process = sandbox.calls._sandbox._process;"
        "print(process.pid); print(open(f'/proc/{process.pid}/environ').read())"
    )
    environment = os.environ | {"SECRET_KEY": "k3y"}
    output = subprocess.check_output([sys.executable, "-c", code], text=True, env=environment)
    assert "k3y" not in output
    program = Path("/proc", output.split()[0])
    while program.exists() and "Z" not in (program / "stat").read_text().rsplit(")", 1)[1]:
        os.sched_yield()


def test_a_forked_process_starts_a_program_of_its_own(box: Sandbox) -> None:
    """Celery forks its workers, and none of them may end the program of another."""
    assert check(box, PHOTO) == 512
    forked = os.fork()
    if not forked:
        right = False
        try:
            right = check(box, PHOTO) == 512
        finally:
            os._exit(0 if right else 1)
    assert os.waitpid(forked, 0)[1] == 0
    assert check(box, PHOTO) == 512


def test_a_turn_is_given_back_by_a_process_that_is_killed() -> None:
    turn = Turn()
    reader, writer = os.pipe()
    holder = os.fork()
    if not holder:
        with turn:
            os.write(writer, b"1")
            signal.pause()
    os.read(reader, 1)
    waiting = os.fork()
    if not waiting:
        with turn:
            os._exit(7)
    os.kill(holder, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(waiting, 0)[1]) == 7
    os.waitpid(holder, 0)


def test_a_process_that_asks_loads_no_decoder() -> None:
    code = (
        "import sys, ml.sandbox; print([m for m in ('PIL', 'pillow_heif', 'cv2', 'onnxruntime') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

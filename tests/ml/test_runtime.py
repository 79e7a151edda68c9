"""ONNX Runtime sends no telemetry."""

import subprocess
import sys

import pytest

# Without a place to keep its number, ONNX Runtime says that it would have sent something.
THERE_IS_NO_HOME = {"HOME": "/proc/nowhere"}


@pytest.mark.parametrize("module", ["ml.pipeline", "ml.detection.mtcnn", "ml.classifier", "training.release.export"])
def test_onnx_runtime_sends_its_makers_nothing(module: str) -> None:
    code = f"import {module}, onnxruntime, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run([sys.executable, "-c", code], env=THERE_IS_NO_HOME, capture_output=True, text=True)
    assert done.stdout.endswith("1\n")
    assert "elemetry" not in done.stderr

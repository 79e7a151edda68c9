"""`import ml` offers the pipeline, and loads nothing heavy."""

import subprocess
import sys

import ml
from ml.pipeline import EmotionPipeline

LOADED = "import sys, ml, ml.registry, ml.sandbox; print(sorted({'cv2', 'onnxruntime', 'PIL'} & set(sys.modules)))"


def test_every_name_of_the_package_can_be_imported() -> None:
    assert all(getattr(ml, name) for name in ml.__all__)
    assert ml.EmotionPipeline is EmotionPipeline


def test_only_the_pipeline_loads_a_runtime() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"

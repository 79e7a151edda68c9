"""Starts ONNX Runtime, for the detector and the classifier alike. Import the runtime from here only."""

import os

# Version 1.32 sends telemetry to its makers unless this is set. It is read once, when the runtime is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from onnxruntime import InferenceSession as InferenceSession
from onnxruntime import SessionOptions


def start_session(model: bytes, threads: int) -> InferenceSession:
    """Load an ONNX model on the CPU. Idle threads sleep, because several workers share the cores."""
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])

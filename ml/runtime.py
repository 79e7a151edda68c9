"""How ONNX Runtime is started, for the detector and the classifier alike. Whoever needs it imports it from here."""

import os

# Read once, when it is imported. 1.32 has telemetry, with an address of its makers, that is on unless this is set.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from onnxruntime import InferenceSession as InferenceSession
from onnxruntime import SessionOptions


def start_session(model: bytes, threads: int) -> InferenceSession:
    """Start a model on the CPU. Threads sleep when idle, since several workers share the cores."""
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])

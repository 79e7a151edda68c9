"""How ONNX Runtime is started, for the detector and the classifier alike."""

import onnxruntime


def start_session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """Start a model on the CPU. Threads sleep when idle, since several workers share the cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

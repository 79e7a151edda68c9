"""The error that stops a training command."""


class TrainingError(Exception):
    """The data, a run folder or an export is wrong; the message says what to do."""

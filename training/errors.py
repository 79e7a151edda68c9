"""What stops a training command; the message says what to do."""


class TrainingError(Exception):
    """Wrong data, a wrong run folder, or an export that does not hold what it promises."""

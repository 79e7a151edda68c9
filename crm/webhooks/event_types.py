"""Which events there are. Each app names its own when it starts."""

TEST = "webhook.test"

_labels: dict[str, str] = {}


def register(labels: dict[str, str]) -> None:
    """Add event types, each with a short sentence for people."""
    _labels.update(labels)


def event_types() -> dict[str, str]:
    """What an endpoint may listen to, with a sentence for people."""
    return dict(_labels)

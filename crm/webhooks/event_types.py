"""Keep the list of event types. Each app registers its own when it starts."""

TEST = "webhook.test"

_labels: dict[str, str] = {}


def register(labels: dict[str, str]) -> None:
    """Add event types, each with a short sentence for people."""
    _labels.update(labels)


def event_types() -> dict[str, str]:
    """Return the event types that an endpoint may listen to, each with a short sentence for people."""
    return dict(_labels)

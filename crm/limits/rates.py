"""Read rates such as 600/minute. The settings import this module, so it must not need Django."""

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
RATE = rf"^[1-9]\d{{0,8}}/({'|'.join(SECONDS)})$"


def parse_rate(rate: str) -> tuple[int, int]:
    """Return how many requests the rate, written as RATE demands, allows in how many seconds."""
    number, _, period = rate.partition("/")
    return int(number), SECONDS[period]

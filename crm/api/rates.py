"""How a rate is written, such as 600/minute. Settings read it too, so nothing of Django is needed here."""

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
RATE = rf"^[1-9]\d{{0,8}}/({'|'.join(SECONDS)})$"


def parse_rate(rate: str) -> tuple[int, int]:
    """How many requests, in how many seconds. `rate` is as RATE says."""
    number, _, period = rate.partition("/")
    return int(number), SECONDS[period]

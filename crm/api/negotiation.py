"""Choose the representation of an answer."""

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

PROBLEM_TYPE = "application/problem+json"


class ContentNegotiation(DefaultContentNegotiation):
    """Answer a client that accepts only problem details: what is not a problem, it gets as JSON."""

    def get_accept_list(self, request: Request) -> list[str]:
        accepted = super().get_accept_list(request)
        return ["application/json" if each.strip().startswith(PROBLEM_TYPE) else each for each in accepted]

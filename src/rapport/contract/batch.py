"""The batch family: many requests in one."""

from typing import Annotated

from msgspec import Meta

from rapport.contract.kit.fields import UNSET, Raw, Request, Response, Short, UnsetType
from rapport.contract.kit.method import WRITE, Method

MOST_REQUESTS = 500
MAX_BYTES = 8 * 1024 * 1024
# From a batch's last byte to its answer.
SECONDS = 30
_OBJECT = Meta(extra_json_schema={"type": "object"})


class BatchedRequest(Request):
    """One of the requests."""

    method: Annotated[Short, Meta(description="Such as `engagements.create`; no batch.")]
    body: Annotated[
        Raw | UnsetType,
        _OBJECT,
        Meta(
            description='What the method takes. In place of an id, `{"$ref": n}` stands for the '
            "object that the request in place n, from 0, made or found."
        ),
    ] = UNSET
    idempotency_key: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType,
        Meta(description="As the header of a request of its own."),
    ] = UNSET


class BatchRunRequest(Request):
    """Requests, which are done in this order."""

    requests: Annotated[list[BatchedRequest], Meta(min_length=1, max_length=MOST_REQUESTS)]
    atomic: Annotated[
        bool | UnsetType, Meta(description="All or none: a refusal undoes what came before it.")
    ] = UNSET
    dry_run: Annotated[
        bool | UnsetType, Meta(description="Answer as if they were done, and do none.")
    ] = UNSET

    @property
    def weight(self) -> int:
        """As how many requests it counts."""
        return len(self.requests)


class BatchedAnswer(Response):
    """What one request was answered."""

    status: int
    body: Annotated[Raw, _OBJECT]


class BatchRunResponse(Response):
    """The answers, in the order of the requests."""

    results: list[BatchedAnswer]


RUN = Method(
    "batch.run",
    WRITE,
    BatchRunRequest,
    BatchRunResponse,
    "Do many requests",
    None,
    ours=True,
    signs_urls=True,
    max_bytes=MAX_BYTES,
    example={
        "requests": [
            {"method": "accounts.create", "body": {"display_name": "Umbrella"}},
            {
                "method": "engagements.create",
                "body": {
                    "members": ["DEVU-12345"],
                    "parent": {"$ref": 0},
                    "scheduled_date": "2023-01-01T12:00:00.000Z",
                    "title": "First call",
                },
            },
        ]
    },
)

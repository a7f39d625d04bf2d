"""Keeps a copy of a book in step with gRPC for Python, and ends after the first change that it is told of."""

import os
import time

import grpc
from client import example_partner, open_channel
from partner.v1.partner_service_pb2 import (
    ListPartnerChangesRequest,
    PartnerChange,
    WatchPartnerChangesRequest,
)
from partner.v1.partner_service_pb2_grpc import PartnerServiceStub


class Book:
    """A copy of a book, and the token to go on from, which are kept together."""

    def __init__(self, channel: grpc.Channel, token: str, organization: str) -> None:
        self.stub = PartnerServiceStub(channel)
        self.metadata = (
            ("authorization", f"Bearer {token}"),
            ("requester-organization-id", organization),
            ("target-organization-id", organization),
        )
        self.partners = {}
        self.change_token = ""

    def catch_up(self) -> None:
        """Takes what has changed since the token into the copy; at first that is the whole book."""
        more = True
        while more:
            request = ListPartnerChangesRequest(change_token=self.change_token)
            response = self.stub.ListPartnerChanges(request, metadata=self.metadata, timeout=10)
            self._take(response)
            more = response.more

    def next_changes(self) -> list[PartnerChange]:
        """Waits for changes. A stream that ends is opened anew, and goes on from the token."""
        while True:
            request = WatchPartnerChangesRequest(change_token=self.change_token)
            stream = self.stub.WatchPartnerChanges(request, metadata=self.metadata)
            try:
                for response in stream:
                    self._take(response)
                    if response.changes:
                        stream.cancel()
                        return list(response.changes)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                time.sleep(1)

    def _take(self, response) -> None:
        for change in response.changes:
            if change.HasField("partner"):
                self.partners[change.partner.id] = change.partner
            else:
                self.partners.pop(change.deleted_partner.id, None)
        self.change_token = response.next_change_token


def main() -> None:
    with open_channel(os.environ["PARTNER_URL"]) as channel:
        book = Book(channel, os.environ["PARTNER_TOKEN"], os.environ["PARTNER_ORGANIZATION"])
        book.catch_up()
        book.stub.CreatePartner(example_partner(), metadata=book.metadata, timeout=10)
        for change in book.next_changes():
            print(change.author.subject, "changed", change.partner.company_name)


if __name__ == "__main__":
    main()

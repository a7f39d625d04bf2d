mkdir partners-python && cd partners-python
python3 -m venv .venv && . .venv/bin/activate
pip install --quiet grpcio grpcio-status grpcio-tools
curl -s "$PARTNER_URL/protos.tar" | tar -x
mkdir gen
python -m grpc_tools.protoc --proto_path=proto --python_out=gen --grpc_python_out=gen \
  access/v1/access.proto buf/validate/validate.proto \
  partner/v1/error.proto partner/v1/partner.proto partner/v1/partner_service.proto
cat > partners.py <<'END'
import os
from urllib.parse import urlsplit

import grpc
from partner.v1.partner_pb2 import *
from partner.v1.partner_service_pb2 import *
from partner.v1.partner_service_pb2_grpc import PartnerServiceStub

address = urlsplit(os.environ["PARTNER_URL"])
if address.scheme == "https":
    channel = grpc.secure_channel(address.netloc, grpc.ssl_channel_credentials())
else:
    channel = grpc.insecure_channel(address.netloc)
stub = PartnerServiceStub(channel)


# Who calls, with whose token, and about the book of whom.
def metadata_of(token, requester, target):
    return (
        ("authorization", f"Bearer {token}"),
        ("requester-organization-id", requester),
        ("target-organization-id", target),
    )


organization = os.environ["PARTNER_ORGANIZATION"]
metadata = metadata_of(os.environ["PARTNER_TOKEN"], organization, organization)
# Another organization, which is invited and accepts.
guest = os.environ.get("PARTNER_GUEST", "")
guest_metadata = metadata_of(os.environ.get("PARTNER_GUEST_TOKEN", ""), guest, organization)

CREATE_PARTNER
# The other calls of this page go here, one after the other.
END
PYTHONPATH=gen python partners.py

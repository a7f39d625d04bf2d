#!/bin/sh
# Generates ./gen from the contract in ./proto. The package googleapis-common-protos has the code
# for google/rpc.
set -eu
mkdir -p gen
python -m grpc_tools.protoc --proto_path=proto \
  --python_out=gen --pyi_out=gen --grpc_python_out=gen \
  access/v1/access.proto buf/validate/validate.proto \
  partner/v1/partner.proto partner/v1/partner_service.proto

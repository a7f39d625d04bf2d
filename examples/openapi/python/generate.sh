#!/bin/sh
# Makes the client of openapi.json, as a package beside the program.
set -eu
openapi-python-client generate --path openapi.json --config generator.yaml --fail-on-warning \
  --meta none --output-path partner_service_client --overwrite

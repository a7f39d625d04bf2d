#!/bin/sh
# Creates a partner with grpcurl, over gRPC, and shows two refusals. Needs jq, and the contract in
# ./proto. For an https:// address leave out -plaintext.
set -eu
cd "$(dirname "$0")"

# create_partner TARGET <REQUEST: prints the response, or the error, as JSON. An error goes to stderr
# and makes the command fail; here both go the same way.
create_partner() {
  grpcurl -plaintext -format-error \
    -import-path proto -proto partner/v1/partner_service.proto -proto google/rpc/error_details.proto \
    -H "Authorization: Bearer $PARTNER_TOKEN" \
    -H "Requester-Organization-ID: $PARTNER_ORGANIZATION" \
    -H "Target-Organization-ID: $1" \
    -d @ "${PARTNER_URL#*://}" partner.v1.PartnerService/CreatePartner 2>&1 || true
}

create_partner "$PARTNER_ORGANIZATION" <partner.json | jq -r -f report.jq
jq '.city = ""' partner.json | create_partner "$PARTNER_ORGANIZATION" | jq -r -f report.jq
create_partner 6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11 <partner.json | jq -r -f report.jq

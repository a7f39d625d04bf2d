#!/bin/sh
# Creates a partner with buf curl, over Connect and HTTP/2, and shows two refusals. Needs jq, and
# the contract in ./proto.
set -eu
cd "$(dirname "$0")"

# create_partner TARGET <REQUEST: prints the response, or the error, as JSON. An error goes to stderr
# and makes the command fail; here both go the same way.
create_partner() {
  buf curl --schema proto --http2-prior-knowledge \
    --header "Authorization: Bearer $PARTNER_TOKEN" \
    --header "Requester-Organization-ID: $PARTNER_ORGANIZATION" \
    --header "Target-Organization-ID: $1" \
    --data @- "$PARTNER_URL/partner.v1.PartnerService/CreatePartner" 2>&1 || true
}

create_partner "$PARTNER_ORGANIZATION" <partner.json | jq -r -f report.jq
jq '.city = ""' partner.json | create_partner "$PARTNER_ORGANIZATION" | jq -r -f report.jq
create_partner 6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11 <partner.json | jq -r -f report.jq

#!/bin/sh
# Creates a partner with curl, as JSON over HTTP, and shows two refusals. Needs jq.
set -eu
cd "$(dirname "$0")"

# create_partner TARGET <REQUEST: prints the response, or the error, as JSON.
create_partner() {
  curl --silent --show-error \
    --header 'Content-Type: application/json' \
    --header "Authorization: Bearer $PARTNER_TOKEN" \
    --header "Requester-Organization-ID: $PARTNER_ORGANIZATION" \
    --header "Target-Organization-ID: $1" \
    --data @- "$PARTNER_URL/partner.v1.PartnerService/CreatePartner"
}

create_partner "$PARTNER_ORGANIZATION" <partner.json | jq -r -f report.jq
jq '.city = ""' partner.json | create_partner "$PARTNER_ORGANIZATION" | jq -r -f report.jq
create_partner 6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11 <partner.json | jq -r -f report.jq

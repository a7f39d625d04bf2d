import { requesterHeader, targetHeader } from "../interceptors/organization-headers.ts";

const createPartnerPath = "/partner.v1.PartnerService/CreatePartner";

/** What a person reads once the sandbox is ready: its address, and a call that works as pasted. */
export function describeSandbox(
  url: string,
  dataDirectory: string,
  organization: string,
  token: string,
): string {
  return `
The partner service is ready at ${url} (a sandbox; its data is in ${dataDirectory}).
Open it in a browser for the console, or create a partner from here:

${createPartnerCommand(url, organization, token)}

More tokens: npm run --silent token -- --organization ${organization}

`;
}

function createPartnerCommand(url: string, organization: string, token: string): string {
  const partner = {
    companyName: "Example Supplies Ltd",
    salesAmount: 150000,
    partnerType: "PARTNER_TYPE_CUSTOMER",
    email: "partner@example.com",
    frequency: "monthly",
    paymentTerms: "Net 30",
    address: "123 Main St, Suite 400",
    city: "New York",
    state: "NY",
    postalCode: "12345",
    companyRegistrationNumber: "123456789",
    countryCode: "US",
  };
  return [
    `curl ${url}${createPartnerPath}`,
    "-H 'Content-Type: application/json'",
    `-H 'Authorization: Bearer ${token}'`,
    `-H '${requesterHeader}: ${organization}'`,
    `-H '${targetHeader}: ${organization}'`,
    `-d '${JSON.stringify(partner)}'`,
  ].join(" \\\n  ");
}

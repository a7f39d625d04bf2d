import { iso31661 } from "iso-3166";
import { PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import type { CreatePartnerRequest } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Failure } from "./outcome.ts";

// What the contract says of a call of CreatePartner, evaluated apart from the service: written from
// docs/api.md's tables, without protovalidate and without the contract's annotations.

interface Rule {
  readonly field: string;
  holds(request: CreatePartnerRequest): boolean;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A valid e-mail address (https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address) with a dot in its domain. */
const email =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+$/;

const countries = new Set(iso31661.map(({ alpha2 }) => alpha2));

/** Whether it is a text of 1 to `limit` code points without U+0000. */
function isText(text: string, limit: number): boolean {
  const length = [...text].length;
  return length >= 1 && length <= limit && !text.includes("\u0000");
}

/** The rule of each field, in the contract's order. */
export const createRules: readonly Rule[] = [
  { field: "company_name", holds: ({ companyName }) => isText(companyName, 100) },
  { field: "sales_amount", holds: ({ salesAmount }) => (salesAmount ?? -1) >= 0 },
  {
    field: "partner_type",
    holds: ({ partnerType }) =>
      partnerType === PartnerType.CUSTOMER || partnerType === PartnerType.SUPPLIER,
  },
  {
    field: "email",
    holds: ({ email: address }) => isText(address, 100) && email.test(address),
  },
  { field: "frequency", holds: ({ frequency }) => isText(frequency, 30) },
  { field: "payment_terms", holds: ({ paymentTerms }) => isText(paymentTerms, 50) },
  { field: "address", holds: ({ address }) => isText(address, 500) },
  { field: "city", holds: ({ city }) => isText(city, 100) },
  { field: "state", holds: ({ state }) => isText(state, 100) },
  { field: "postal_code", holds: ({ postalCode }) => isText(postalCode, 30) },
  {
    field: "company_registration_number",
    holds: ({ companyRegistrationNumber }) => isText(companyRegistrationNumber, 255),
  },
  {
    field: "country_code",
    holds: ({ countryCode = "US" }) => countries.has(countryCode),
  },
  {
    field: "request_id",
    holds: ({ requestId }) => requestId === undefined || uuid.test(requestId),
  },
];

/** Who calls, and for whom. */
export interface Identity {
  readonly token: "good" | "missing" | "basic" | "expired" | "forged";
  /** What the token speaks for. */
  readonly organizations: readonly string[];
  /** The token's scopes, separated by spaces. */
  readonly scope: string;
  /** The organization headers; undefined: not sent. */
  readonly requester: string | undefined;
  readonly target: string | undefined;
}

/** The first reason for which the call is refused before its message is read, if there is one. */
export function firstRefusal(identity: Identity): Failure | undefined {
  const { token, organizations, scope, requester = "", target = "" } = identity;
  if (token === "missing" || token === "basic") {
    return { code: "Unauthenticated", reason: "ACCESS_TOKEN_MISSING" };
  }
  if (token !== "good") {
    const reason = token === "expired" ? "ACCESS_TOKEN_EXPIRED" : "ACCESS_TOKEN_INVALID";
    return { code: "Unauthenticated", reason };
  }
  for (const header of [requester, target]) {
    if (header === "") {
      return { code: "InvalidArgument", reason: "ORGANIZATION_HEADER_MISSING" };
    }
    if (!uuid.test(header)) {
      return { code: "InvalidArgument", reason: "ORGANIZATION_HEADER_INVALID" };
    }
  }
  if (!organizations.includes(requester.toLowerCase())) {
    return { code: "PermissionDenied", reason: "REQUESTER_NOT_AUTHORIZED" };
  }
  if (!scope.split(" ").includes("partners:write")) {
    return { code: "PermissionDenied", reason: "SCOPE_MISSING" };
  }
  if (requester.toLowerCase() !== target.toLowerCase()) {
    return { code: "PermissionDenied", reason: "SCENARIO_NOT_ALLOWED" };
  }
  return undefined;
}

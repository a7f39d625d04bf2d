import { PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import { acme, globex } from "./organizations.ts";
import type { Failure } from "./outcome.ts";
import type { PartnerChanges } from "./requests.ts";

/** A call of CreatePartner, and how it must fail; the same over every protocol. */
export interface FailingCall {
  readonly name: string;
  /** Changes of the good headers; undefined takes a header away. */
  readonly headers?: Record<string, string | undefined>;
  /** Changes of the good token's claims; undefined takes a claim away. */
  readonly claims?: Record<string, unknown>;
  /** Changes of the good request; undefined takes a field away. */
  readonly request?: PartnerChanges;
  readonly failure: Failure;
}

const hourAgo = Math.floor(Date.now() / 1000) - 3600;

function invalidField(name: string, ...violations: string[]): Failure {
  return {
    code: "InvalidArgument",
    reason: "FIELD_INVALID",
    violations: violations.map((rule) => `${name}: ${rule}`),
  };
}

/** The contract's limits of text fields, written out here so that the contract cannot change unnoticed. */
export const textLimits = {
  companyName: ["company_name", 100],
  frequency: ["frequency", 30],
  paymentTerms: ["payment_terms", 50],
  address: ["address", 500],
  city: ["city", 100],
  state: ["state", 100],
  postalCode: ["postal_code", 30],
  companyRegistrationNumber: ["company_registration_number", 255],
} as const;

const headerCases: FailingCall[] = [
  {
    name: "without an Authorization header",
    headers: { Authorization: undefined },
    failure: { code: "Unauthenticated", reason: "ACCESS_TOKEN_MISSING" },
  },
  {
    name: "with Basic credentials",
    headers: { Authorization: "Basic YTpi" },
    failure: { code: "Unauthenticated", reason: "ACCESS_TOKEN_MISSING" },
  },
  {
    name: "with a token that is none",
    headers: { Authorization: "Bearer nonsense" },
    failure: { code: "Unauthenticated", reason: "ACCESS_TOKEN_INVALID" },
  },
  {
    name: "with an expired token",
    claims: { exp: hourAgo },
    failure: { code: "Unauthenticated", reason: "ACCESS_TOKEN_EXPIRED" },
  },
  {
    name: "with a token for somebody else",
    claims: { aud: "another-service" },
    failure: { code: "Unauthenticated", reason: "ACCESS_TOKEN_INVALID" },
  },
  ...["Requester-Organization-ID", "Target-Organization-ID"].flatMap((header): FailingCall[] => [
    {
      name: `without ${header}`,
      headers: { [header]: undefined },
      failure: {
        code: "InvalidArgument",
        reason: "ORGANIZATION_HEADER_MISSING",
        metadata: { header },
      },
    },
    {
      name: `with a ${header} that is no UUID`,
      headers: { [header]: "acme" },
      failure: {
        code: "InvalidArgument",
        reason: "ORGANIZATION_HEADER_INVALID",
        metadata: { header },
      },
    },
  ]),
  {
    name: "for a requester that the token does not speak for",
    headers: { "Requester-Organization-ID": globex, "Target-Organization-ID": globex },
    failure: { code: "PermissionDenied", reason: "REQUESTER_NOT_AUTHORIZED" },
  },
  {
    name: "for another organization's book",
    headers: { "Target-Organization-ID": globex },
    failure: { code: "PermissionDenied", reason: "SCENARIO_NOT_ALLOWED" },
  },
  {
    name: "with a token that lacks the scope",
    claims: { scope: "partners:read" },
    failure: {
      code: "PermissionDenied",
      reason: "SCOPE_MISSING",
      metadata: { scope: "partners:write" },
    },
  },
  {
    name: "with a broken field and no right to call (the right comes first)",
    headers: { "Target-Organization-ID": globex },
    request: { city: "" },
    failure: { code: "PermissionDenied", reason: "SCENARIO_NOT_ALLOWED" },
  },
];

const fieldCases: FailingCall[] = [
  ...Object.entries(textLimits).flatMap(([key, [field, limit]]): FailingCall[] => [
    {
      name: `without ${field}`,
      request: { [key]: undefined },
      failure: invalidField(field, "required"),
    },
    {
      name: `with an empty ${field}`,
      request: { [key]: "" },
      failure: invalidField(field, "required"),
    },
    {
      name: `with a ${field} of ${limit + 1} code points`,
      request: { [key]: "a".repeat(limit + 1) },
      failure: invalidField(field, "string.max_len"),
    },
    {
      name: `with a ${field} of ${limit + 1} emoji`,
      request: { [key]: "🏭".repeat(limit + 1) },
      failure: invalidField(field, "string.max_len"),
    },
    {
      name: `with U+0000 in ${field}`,
      request: { [key]: "a\u0000b" },
      failure: invalidField(field, "string.not_contains"),
    },
  ]),
  {
    name: "without sales_amount",
    request: { salesAmount: undefined },
    failure: invalidField("sales_amount", "required"),
  },
  {
    name: "with a negative sales_amount",
    request: { salesAmount: -1 },
    failure: invalidField("sales_amount", "int32.gte"),
  },
  {
    name: "without partner_type",
    request: { partnerType: undefined },
    failure: invalidField("partner_type", "required"),
  },
  {
    name: "with an unspecified partner_type",
    request: { partnerType: PartnerType.UNSPECIFIED },
    failure: invalidField("partner_type", "required"),
  },
  {
    name: "without email",
    request: { email: undefined },
    failure: invalidField("email", "required"),
  },
  {
    name: "with an email that is none",
    request: { email: "nobody" },
    failure: invalidField("email", "string.email"),
  },
  {
    name: "with an email whose domain has no dot",
    request: { email: "a@b" },
    failure: invalidField("email", "email.domain"),
  },
  {
    name: "with U+0000 in email",
    request: { email: "a\u0000@example.com" },
    failure: invalidField("email", "string.email"),
  },
  {
    name: "with an email of 101 code points",
    request: { email: `${"a".repeat(89)}@example.com` },
    failure: invalidField("email", "string.max_len"),
  },
  ...["us", "USA", "", "U", "1A", "US\n", "XK", "ZZ", "UK", "Germany"].map(
    (countryCode): FailingCall => ({
      name: `with the country_code ${JSON.stringify(countryCode)}`,
      request: { countryCode },
      failure: invalidField("country_code", "country_code.iso_3166"),
    }),
  ),
  {
    name: "with a request_id that is no UUID",
    request: { requestId: "42" },
    failure: invalidField("request_id", "string.uuid"),
  },
  {
    name: "with two broken fields (each is named)",
    request: { city: "", salesAmount: -1 },
    failure: {
      code: "InvalidArgument",
      reason: "FIELD_INVALID",
      violations: ["sales_amount: int32.gte", "city: required"],
    },
  },
];

export const failingCalls: readonly FailingCall[] = [...headerCases, ...fieldCases];

/** The good headers of a call by acme in its own book, changed by those given. */
export function callHeaders(token: string, changes: FailingCall["headers"] = {}): Headers {
  const headers = {
    Authorization: `Bearer ${token}`,
    "Requester-Organization-ID": acme,
    "Target-Organization-ID": acme,
    ...changes,
  };
  return new Headers(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

/** Requests that break no rule, each at a bound; the service must store exactly what they say. */
export const acceptedRequests: Readonly<Record<string, PartnerChanges>> = {
  "the contract's examples": {},
  "no country_code": { countryCode: undefined },
  "a sales_amount of 0": { salesAmount: 0 },
  "the greatest sales_amount": { salesAmount: 2147483647 },
  "a supplier": { partnerType: PartnerType.SUPPLIER },
  "one code point in each text": textsOf(() => "é"),
  "the greatest length in each text": textsOf((limit) => "a".repeat(limit)),
  "the greatest length in emoji": textsOf((limit) => "🏭".repeat(limit)),
  "the greatest length in combining marks": {
    ...textsOf((limit) => "e\u0301".repeat(Math.floor(limit / 2))),
  },
  "an email of 100 code points": { email: `${"a".repeat(88)}@example.com` },
};

function textsOf(text: (limit: number) => string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(textLimits).map(([key, [, limit]]) => [key, text(limit)]),
  );
}

import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { callerKey, callKey, type Judge, organizationsKey, required } from "../context.ts";
import { requesterHeader, targetHeader } from "./organization-headers.ts";
import { serviceError } from "./service-error.ts";

/** The textual form of a UUID (RFC 9562, section 4), in either case. */
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const nilUuid = "00000000-0000-0000-0000-000000000000";

/**
 * Reads the two organization headers, checks that the caller speaks for the requester, and sets
 * the organizations.
 *
 * Fails with ORGANIZATION_HEADER_MISSING, ORGANIZATION_HEADER_INVALID or REQUESTER_NOT_AUTHORIZED.
 */
export function createOrganizationsInterceptor(): Judge {
  const readRequester = organizationReader(requesterHeader);
  const readTarget = organizationReader(targetHeader);
  return ({ requestHeader, values }) => {
    const call = required(values, callKey);
    const caller = required(values, callerKey);
    const requester = readRequester(requestHeader);
    call.requester = requester;
    const target = readTarget(requestHeader);
    call.target = target;
    if (!caller.organizations.includes(requester)) {
      throw serviceError(
        ErrorReason.REQUESTER_NOT_AUTHORIZED,
        `The access token does not speak for the organization in the header ${requesterHeader}.`,
      );
    }
    values.set(organizationsKey, { requester, target });
  };
}

function organizationReader(name: string): (headers: Headers) => string {
  // As Node names it, which need not be made of the other for each call then.
  const lowerCaseName = name.toLowerCase();
  return (headers) => {
    const value = headers.get(lowerCaseName);
    if (value === null || value === "") {
      throw serviceError(
        ErrorReason.ORGANIZATION_HEADER_MISSING,
        `The call needs the header ${name}.`,
        { metadata: { header: name } },
      );
    }
    // A header that is sent twice comes as a list, which is no UUID.
    const organization = value.toLowerCase();
    if (!uuid.test(organization) || organization === nilUuid) {
      throw serviceError(
        ErrorReason.ORGANIZATION_HEADER_INVALID,
        `The header ${name} must be one UUID.`,
        { metadata: { header: name } },
      );
    }
    return organization;
  };
}

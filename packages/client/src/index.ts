/**
 * The client of the partner service, for Node and browsers.
 *
 * @module
 */
export { Code, ConnectError } from "@connectrpc/connect";
export { ErrorReason, ErrorReasonSchema, RemedyAction } from "../gen/partner/v1/error_pb.ts";
export * from "../gen/partner/v1/partner_pb.ts";
export * from "../gen/partner/v1/partner_service_pb.ts";
export { nameOf } from "./enum-names.ts";
export { type Remedy, reasonOf, remedyOf, type Violation, violationsOf } from "./errors.ts";
export { createPartnerClient, type PartnerCalls, type PartnerClient } from "./partner-client.ts";
export { createPartnerTransport, type PartnerTransportOptions } from "./partner-transport.ts";
export { isPassing, retryAfterMsOf } from "./passing-errors.ts";
export { type PartnerChanges, type WatchPartnersOptions, watchPartners } from "./watch-partners.ts";

/**
 * The client of the partner service, for Node and browsers.
 *
 * @module
 */
export { ErrorReason } from "../../../gen/partner/v1/error_pb.ts";
export * from "../../../gen/partner/v1/partner_pb.ts";
export * from "../../../gen/partner/v1/partner_service_pb.ts";
export { reasonOf, violationsOf } from "./errors.ts";
export {
  createPartnerClient,
  type PartnerClient,
  type PartnerClientOptions,
} from "./partner-client.ts";

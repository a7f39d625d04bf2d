import type { Validator } from "@bufbuild/protovalidate";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import { createHealthService, mountReflection } from "@partner-service/health-reflection";
import { file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { file_partner_v1_error } from "../gen/partner/v1/error_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { readAccessRules } from "./access/access-rules.ts";
import type { TokenVerifier } from "./authentication/token-verifier.ts";
import { callKey, required } from "./context.ts";
import { createAccessInterceptor } from "./interceptors/access.ts";
import { createAuthenticationInterceptor } from "./interceptors/authentication.ts";
import { createErrorsInterceptor } from "./interceptors/errors.ts";
import { checkGetQuery } from "./interceptors/get-queries.ts";
import { createOrganizationsInterceptor } from "./interceptors/organizations.ts";
import { createRequestGate } from "./interceptors/request-gate.ts";
import { describeUnreadableMessages } from "./interceptors/unreadable-messages.ts";
import {
  compileRules,
  createValidationInterceptor,
  findViolations,
} from "./interceptors/validation.ts";
import type { PartnerRepository } from "./partners/partner-repository.ts";
import { createPartnerRpcs } from "./partners/partner-rpcs.ts";
import type { Readiness } from "./readiness.ts";

export interface RouteDependencies {
  readonly verifyToken: TokenVerifier;
  readonly validator: Validator;
  readonly partners: PartnerRepository;
  readonly readiness: Readiness;
}

/**
 * Bound of a batch, on the wire and decompressed, in place of the setting's. 100 partners with all
 * texts at their greatest length, each character escaped in JSON (`\ud83c\udfed`), are 1.6 MB.
 */
const batchReadMaxBytes = 2 * 1024 * 1024;

/**
 * Joins each service with its implementation, and with what a call passes on its way there.
 *
 * @throws Error when the contract lacks an access rule, or a field's rule does not compile.
 */
export function createRoutes({ verifyToken, validator, partners, readiness }: RouteDependencies) {
  const services = [PartnerService];
  const accessRules = readAccessRules(services);
  compileRules(validator, services);

  // Authorization comes before validation (AIP-211), and before the body is read at all.
  const admit = createRequestGate([
    createErrorsInterceptor(),
    createAuthenticationInterceptor(verifyToken),
    createOrganizationsInterceptor(),
    createAccessInterceptor(accessRules, partners.isConnected),
  ]);
  const interceptors = [
    createErrorsInterceptor(),
    createValidationInterceptor(validator, services),
  ];

  async function requestGate(context: HandlerContext): Promise<void> {
    required(context.values, callKey).signal = context.signal;
    describeUnreadableMessages(context);
    await admit(context);
    checkGetQuery(context);
  }

  return (router: ConnectRouter): void => {
    const { method } = PartnerService;
    const rpcs = createPartnerRpcs(partners, (descriptor, message) =>
      findViolations(validator, descriptor, message),
    );
    const options = { interceptors, requestGate };
    router
      .rpc(method.createPartner, rpcs.createPartner, options)
      .rpc(method.batchCreatePartners, rpcs.batchCreatePartners, {
        ...options,
        readMaxBytes: batchReadMaxBytes,
      })
      .rpc(method.getPartner, rpcs.getPartner, options)
      .rpc(method.listPartners, rpcs.listPartners, options)
      .rpc(method.updatePartner, rpcs.updatePartner, options)
      .rpc(method.deletePartner, rpcs.deletePartner, options)
      .rpc(method.invitePartner, rpcs.invitePartner, options)
      .rpc(method.acceptInvitation, rpcs.acceptInvitation, options);
    // Open to everyone, as load balancers and tools expect.
    router.service(Health, createHealthService(readiness, services));
    mountReflection(
      router,
      [...services, Health],
      [file_google_rpc_error_details, file_partner_v1_error],
    );
  };
}

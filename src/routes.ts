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
import { createOrganizationsInterceptor } from "./interceptors/organizations.ts";
import { createRequestGate } from "./interceptors/request-gate.ts";
import { describeUnreadableMessages } from "./interceptors/unreadable-messages.ts";
import { compileRules, createValidationInterceptor } from "./interceptors/validation.ts";
import type { PartnerBook } from "./partners/partner-book.ts";
import { createPartnerService } from "./partners/partner-service.ts";
import type { Readiness } from "./readiness.ts";

export interface RouteDependencies {
  readonly verifyToken: TokenVerifier;
  readonly validator: Validator;
  readonly book: PartnerBook;
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
export function createRoutes({ verifyToken, validator, book, readiness }: RouteDependencies) {
  const services = [PartnerService];
  const accessRules = readAccessRules(services);
  compileRules(validator, services);

  // Authorization comes before validation (AIP-211), and before the body is read at all.
  const admit = createRequestGate([
    createErrorsInterceptor(),
    createAuthenticationInterceptor(verifyToken),
    createOrganizationsInterceptor(),
    createAccessInterceptor(accessRules, book.isConnected),
  ]);
  const interceptors = [
    createErrorsInterceptor(),
    createValidationInterceptor(validator, services),
  ];

  function requestGate(context: HandlerContext): Promise<void> {
    required(context.values, callKey).signal = context.signal;
    describeUnreadableMessages(context);
    return admit(context);
  }

  return (router: ConnectRouter): void => {
    const { method } = PartnerService;
    const partners = createPartnerService(book, validator);
    const options = { interceptors, requestGate };
    router
      .rpc(method.createPartner, partners.createPartner, options)
      .rpc(method.batchCreatePartners, partners.batchCreatePartners, {
        ...options,
        readMaxBytes: batchReadMaxBytes,
      })
      .rpc(method.getPartner, partners.getPartner, options)
      .rpc(method.listPartners, partners.listPartners, options)
      .rpc(method.updatePartner, partners.updatePartner, options)
      .rpc(method.deletePartner, partners.deletePartner, options)
      .rpc(method.invitePartner, partners.invitePartner, options)
      .rpc(method.acceptInvitation, partners.acceptInvitation, options);
    // Open to everyone, as load balancers and tools expect.
    router.service(Health, createHealthService(readiness, services));
    mountReflection(
      router,
      [...services, Health],
      [file_google_rpc_error_details, file_partner_v1_error],
    );
  };
}

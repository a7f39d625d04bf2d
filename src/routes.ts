import type { DescService } from "@bufbuild/protobuf";
import type { Validator } from "@bufbuild/protovalidate";
import type { ConnectRouter } from "@connectrpc/connect";
import type { TokenVerifier } from "@partner-service/access-tokens";
import { checkGetQuery } from "@partner-service/connect-http";
import { createFastValidator } from "@partner-service/fast-validation";
import {
  createHealthService,
  Health,
  mountReflection,
  type Readiness,
  ServerReflection,
  ServerReflectionAlpha,
} from "@partner-service/health-reflection";
import { file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.ts";
import { file_partner_v1_error } from "../gen/partner/v1/error_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import type { Changes } from "./changes/changes.ts";
import type { Config } from "./config/config.ts";
import type { Caller } from "./context.ts";
import { createAccessInterceptor } from "./interceptors/access.ts";
import { createAuthenticationInterceptor } from "./interceptors/authentication.ts";
import { createErrorsInterceptor, createRequestGate, toEntryError } from "./interceptors/errors.ts";
import { demandAccessRules, mountService } from "./interceptors/mounting.ts";
import { createOrganizationsInterceptor } from "./interceptors/organizations.ts";
import { createRateLimitInterceptor } from "./interceptors/rate-limit.ts";
import { createSharesInterceptor } from "./interceptors/shares.ts";
import { createStreamsInterceptor } from "./interceptors/streams.ts";
import { createValidationInterceptor } from "./interceptors/validation.ts";
import type { Audit } from "./observability/audit.ts";
import type { PartnerRepository } from "./partners/partner-repository.ts";
import { createPartnerRpcs } from "./rpcs/partner-rpcs.ts";
import { createTroubleInterceptor, type TroubleSwitch } from "./sandbox/trouble.ts";

export interface RouteDependencies {
  readonly verifyToken: TokenVerifier<Caller>;
  readonly validator: Validator;
  readonly partners: PartnerRepository;
  readonly changes: Changes;
  /** What page tokens and change tokens are sealed by. */
  readonly tokenSecret: string | Uint8Array;
  readonly readiness: Readiness;
  /** Aborted when the process is about to end, whether the service does or not. */
  readonly ending: AbortSignal;
  readonly audit?: Audit | undefined;
  /** What the sandbox makes of calls on purpose; absent: nothing. */
  readonly troubleSwitch?: TroubleSwitch | undefined;
}

/** What callers come for. */
export const services: readonly DescService[] = [PartnerService];

/** Open to everyone, as load balancers and tools expect. */
const publicServices: readonly DescService[] = [Health, ServerReflection, ServerReflectionAlpha];

/**
 * Joins each service with its implementation, and with what a call passes on its way there.
 *
 * @throws Error when the contract lacks an access rule, or a field's rule does not compile.
 */
export function createRoutes(
  { maxStreams, maxCallsPerRequester, rateLimit }: Config,
  dependencies: RouteDependencies,
) {
  const { verifyToken, validator, partners, changes, tokenSecret } = dependencies;
  const { readiness, ending, audit, troubleSwitch } = dependencies;
  const errors = createErrorsInterceptor();
  const admission = [
    createAuthenticationInterceptor(verifyToken),
    createOrganizationsInterceptor(),
  ];
  const access = createAccessInterceptor(services, partners.isConnected);
  const judges = [...admission, access];
  const streams = createStreamsInterceptor(maxStreams, ending, judges);
  // The chain, in order. Authorization comes before validation (AIP-211), and before the body is
  // read at all.
  const guarded = {
    requestGate: createRequestGate([
      ...admission,
      ...(rateLimit === undefined ? [] : [createRateLimitInterceptor(rateLimit)]),
      createSharesInterceptor(maxCallsPerRequester),
      access,
      ...(audit?.gate ?? []),
      checkGetQuery,
      ...(troubleSwitch === undefined ? [] : [createTroubleInterceptor(troubleSwitch)]),
    ]),
    interceptors: [
      errors,
      streams,
      createValidationInterceptor(createFastValidator(validator), services),
      ...(audit === undefined ? [] : [audit.interceptor]),
    ],
  };
  const open = { requestGate: createRequestGate([]), interceptors: [errors, streams] };

  return (router: ConnectRouter): void => {
    const rpcs = createPartnerRpcs(partners, changes, tokenSecret, toEntryError);
    mountService(router, PartnerService, rpcs, guarded);
    router.service(Health, createHealthService(readiness, services), open);
    mountReflection(
      router,
      [...services, Health],
      [file_google_rpc_error_details, file_partner_v1_error],
      open,
    );
    demandAccessRules(router, publicServices);
  };
}

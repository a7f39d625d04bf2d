import { randomUUIDv7 } from "node:crypto";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import {
  Code,
  ConnectError,
  createContextKey,
  type Interceptor,
  type ServiceImpl,
} from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import { defineEntity, type InferEntity, MikroORM, p } from "@mikro-orm/postgresql";
import Fastify from "fastify";
import { InvitationStatus, PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { bearerToken, createVerifier, permittedOrganization, type VerifyToken } from "./caller.ts";
import { readSettings } from "./settings.ts";

/**
 * The same RPC as the documentation of its parts would have one write it: Connect's plugin for
 * Fastify, an interceptor that verifies the token with jose, one that runs protovalidate, and
 * MikroORM's unit of work.
 */
const PartnerEntity = defineEntity({
  name: "Partner",
  tableName: "partner",
  properties: {
    organizationId: p.uuid().primary(),
    id: p.uuid().primary(),
    createdAt: p.datetime().onCreate(() => new Date()),
    updatedAt: p.datetime().onCreate(() => new Date()),
    companyName: p.text(),
    salesAmount: p.integer(),
    partnerType: p.text(),
    email: p.text(),
    frequency: p.text(),
    paymentTerms: p.text(),
    address: p.text(),
    city: p.text(),
    state: p.text(),
    postalCode: p.text(),
    companyRegistrationNumber: p.text(),
    countryCode: p.text().nullable(),
    invitationStatus: p
      .text()
      .default("invited")
      .onCreate(() => "invited"),
    revision: p.integer().onCreate(() => 1),
  },
});

const organizationKey = createContextKey("");

function createAuthenticationInterceptor(verifyToken: VerifyToken): Interceptor {
  return (next) => async (request) => {
    const token = bearerToken(request.header.get("Authorization"));
    const claims = await verifyToken(token).catch(() => {
      throw new ConnectError("The access token is not accepted.", Code.Unauthenticated);
    });
    const organization = permittedOrganization(
      claims,
      "partners:write",
      request.header.get("Requester-Organization-ID") ?? undefined,
      request.header.get("Target-Organization-ID") ?? undefined,
    );
    if (organization === undefined) {
      throw new ConnectError("The call is not allowed.", Code.PermissionDenied);
    }
    request.contextValues.set(organizationKey, organization);
    return await next(request);
  };
}

function createValidationInterceptor(): Interceptor {
  const validator = createValidator();
  return (next) => async (request) => {
    if (!request.stream) {
      const result = validator.validate(request.method.input, request.message);
      if (result.kind !== "valid") {
        throw new ConnectError(String(result.error), Code.InvalidArgument);
      }
    }
    return await next(request);
  };
}

function createPartnerService(
  orm: MikroORM,
): Pick<ServiceImpl<typeof PartnerService>, "createPartner"> {
  return {
    async createPartner(request, context) {
      const em = orm.em.fork();
      const partner = em.create(PartnerEntity, {
        id: randomUUIDv7(),
        organizationId: context.values.get(organizationKey),
        companyName: request.companyName,
        salesAmount: request.salesAmount ?? 0,
        partnerType: request.partnerType === PartnerType.CUSTOMER ? "customer" : "supplier",
        email: request.email,
        frequency: request.frequency,
        paymentTerms: request.paymentTerms,
        address: request.address,
        city: request.city,
        state: request.state,
        postalCode: request.postalCode,
        companyRegistrationNumber: request.companyRegistrationNumber,
        countryCode: request.countryCode ?? null,
      });
      await em.persist(partner).flush();
      return { partner: toMessage(partner, request.partnerType) };
    },
  };
}

function toMessage(partner: InferEntity<typeof PartnerEntity>, partnerType: PartnerType) {
  const { createdAt, updatedAt, countryCode, invitationStatus: _, revision, ...fields } = partner;
  return {
    ...fields,
    partnerType,
    createdAt: timestampFromDate(createdAt),
    updatedAt: timestampFromDate(updatedAt),
    ...(countryCode == null ? {} : { countryCode }),
    invitationStatus: InvitationStatus.INVITED,
    etag: `r${revision}`,
  };
}

const settings = readSettings();
const orm = await MikroORM.init({
  entities: [PartnerEntity],
  clientUrl: settings.databaseUrl,
  ensureDatabase: false,
});
const app = Fastify();
await app.register(fastifyConnectPlugin, {
  routes: (router) => router.service(PartnerService, createPartnerService(orm)),
  interceptors: [
    createAuthenticationInterceptor(await createVerifier(settings)),
    createValidationInterceptor(),
  ],
});
process.once("SIGTERM", () => {
  app.close().then(() => orm.close());
});
await app.listen({ host: "127.0.0.1", port: settings.port });

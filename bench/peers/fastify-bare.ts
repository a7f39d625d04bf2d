import { createOrm, formatInstant } from "@partner-service/postgres-statements";
import Fastify from "fastify";
import { schema } from "../../src/database/open-database.ts";
import type { NewPartner, Partner } from "../../src/partners/partner-entity.ts";
import { createPartnerRepository } from "../../src/partners/partner-repository.ts";
import { storedPartnerSchema } from "./partner.ts";
import { readSettings } from "./settings.ts";

/**
 * No peer, but a bound: Fastify with the service's own statements, which all who call at once share,
 * and nothing else. No token is verified, no rule checked, no call logged, and there is no contract.
 * What the service does for these comes on top of this.
 */
const settings = readSettings();
const orm = await createOrm({ databaseUrl: settings.databaseUrl }, schema);
const partners = createPartnerRepository(orm);
const app = Fastify();
const { signal } = new AbortController();

interface Headers {
  "target-organization-id": string;
}

app.post<{ Body: Omit<NewPartner, "partnerType"> & { partnerType: string }; Headers: Headers }>(
  "/partners",
  { schema: { response: { 201: storedPartnerSchema } } },
  async ({ headers, body }, reply) => {
    const partner = await partners.create(
      {
        ...body,
        organizationId: headers["target-organization-id"],
        partnerType: body.partnerType === "PARTNER_TYPE_CUSTOMER" ? "customer" : "supplier",
        countryCode: body.countryCode ?? null,
        requestId: null,
      },
      signal,
    );
    reply.code(201);
    return toAnswer(partner);
  },
);

app.get<{ Params: { id: string }; Headers: Headers }>(
  "/partners/:id",
  { schema: { response: { 200: storedPartnerSchema } } },
  async ({ headers, params: { id } }) => {
    const organizationId = headers["target-organization-id"];
    return toAnswer(await partners.find({ organizationId, id }, signal));
  },
);

/** The partner as it is stored, of which Fastify writes what the schema names. */
function toAnswer(partner: Partner) {
  return {
    ...partner,
    createdAt: formatInstant(partner.createdAt),
    updatedAt: formatInstant(partner.updatedAt),
  };
}

process.once("SIGTERM", () => {
  app.close().then(() => orm.close(true));
});
await app.listen({ host: "127.0.0.1", port: settings.port });

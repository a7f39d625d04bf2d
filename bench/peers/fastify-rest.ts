import Fastify from "fastify";
import pg from "pg";
import { bearerToken, createVerifier, permittedOrganization, remember } from "./caller.ts";
import { insertPartner } from "./insert.ts";
import { type NewPartner, newPartnerSchema, storedPartnerSchema } from "./partner.ts";
import { readSettings } from "./settings.ts";

/**
 * A REST route as one writes it by hand for speed: Fastify with JSON Schema on the way in and on
 * the way out, each token verified once, and one prepared INSERT a call.
 */
interface Route {
  Body: NewPartner;
  Headers: { "requester-organization-id"?: string; "target-organization-id"?: string };
}

const settings = readSettings();
const verifyToken = remember(await createVerifier(settings));
const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: 10 });
const app = Fastify();

app.post<Route>(
  "/partners",
  { schema: { body: newPartnerSchema, response: { 201: storedPartnerSchema } } },
  async ({ headers, body }, reply) => {
    const claims = await verifyToken(bearerToken(headers.authorization)).catch(() => undefined);
    if (claims === undefined) {
      return reply.code(401).send({ error: "The access token is not accepted." });
    }
    const organization = permittedOrganization(
      claims,
      headers["requester-organization-id"],
      headers["target-organization-id"],
    );
    if (organization === undefined) {
      return reply.code(403).send({ error: "The call is not allowed." });
    }
    return reply.code(201).send(await insertPartner(pool, organization, body));
  },
);

process.once("SIGTERM", () => {
  app.close().then(() => pool.end());
});
await app.listen({ host: "127.0.0.1", port: settings.port });

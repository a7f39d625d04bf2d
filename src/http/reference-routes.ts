import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";

const openApi = new URL("../../gen/openapi/openapi.json", import.meta.url);
const page = new URL("../../gen/docs/index.html", import.meta.url);
const protos = new URL("../../gen/docs/protos.tar", import.meta.url);

/**
 * Serves what is generated from the contract: an OpenAPI document, its .proto files, and a page for people.
 * The page brings its own policy, which allows its style and script and nothing else.
 */
export function mountReference(app: FastifyInstance): void {
  const document = readFileSync(openApi);
  app.get("/openapi.json", async (_request, reply) =>
    reply.header("content-type", "application/json").send(document),
  );
  const archive = readFileSync(protos);
  app.get("/protos.tar", async (_request, reply) =>
    reply.header("content-type", "application/x-tar").send(archive),
  );
  const html = readFileSync(page);
  app.get("/docs", async (_request, reply) =>
    reply
      .header("content-type", "text/html; charset=utf-8")
      .header("content-security-policy", "frame-ancestors 'none'")
      .header("x-content-type-options", "nosniff")
      .send(html),
  );
}

import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";

const generated = new URL("../../gen/", import.meta.url);

/**
 * Serves what is generated from the contract: an OpenAPI document, its .proto files, and a page for people.
 * The page brings its own policy, which allows its style and script and nothing else.
 */
export function mountReference(app: FastifyInstance): void {
  function mount(path: string, file: string, type: string, headers = {}): void {
    const content = readFileSync(new URL(file, generated));
    app.get(path, async (_request, reply) => reply.type(type).headers(headers).send(content));
  }

  mount("/openapi.json", "openapi/openapi.json", "application/json");
  mount("/protos.tar", "docs/protos.tar", "application/x-tar");
  mount("/docs", "docs/index.html", "text/html; charset=utf-8", {
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
  });
}

import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";

const openApi = new URL("../../gen/openapi/openapi.json", import.meta.url);

/** Serves what is generated from the contract for people and programs that do not read Protobuf. */
export function mountReference(app: FastifyInstance): void {
  const document = readFileSync(openApi);
  app.get("/openapi.json", async (_request, reply) =>
    reply.header("content-type", "application/json").send(document),
  );
}

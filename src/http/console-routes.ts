import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { FastifyInstance } from "fastify";

/** Where `npm run generate` builds the console of src/console into. */
const builtConsole = join(import.meta.dirname, "../../gen/console");

const files = [
  { path: "/", file: "index.html", type: "text/html; charset=utf-8" },
  { path: "/console/console.js", file: "console.js", type: "text/javascript; charset=utf-8" },
  { path: "/console/console.css", file: "console.css", type: "text/css; charset=utf-8" },
] as const;

/** The page loads its own files, calls its own server, and nothing else. */
const securityHeaders = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

export interface ConsoleOptions {
  /** Whether the page can have tokens minted; a person pastes one otherwise. */
  readonly sandbox: boolean;
}

/** Serves the console at `/`: a page that calls the service from the browser. */
export function mountConsole(app: FastifyInstance, { sandbox }: ConsoleOptions): void {
  for (const { path, file, type } of files) {
    const content = readFileSync(join(builtConsole, file));
    let compressed: Promise<Buffer> | undefined;
    const etag = `"${createHash("sha256").update(content).digest("base64url")}"`;
    app.get(path, async (request, reply) => {
      // Always asked for again, so that the page and the service are of one version.
      reply.headers({ ...securityHeaders, ETag: etag, "Cache-Control": "no-cache" });
      reply.header("Vary", "Accept-Encoding");
      if (request.headers["if-none-match"] === etag) {
        return reply.code(304).send();
      }
      reply.type(type);
      if (!/\bgzip\b/.test(request.headers["accept-encoding"] ?? "")) {
        return reply.send(content);
      }
      // Only once somebody asks: each start would else wait for it.
      compressed ??= promisify(gzip)(content);
      return reply.header("Content-Encoding", "gzip").send(await compressed);
    });
  }
  app.get("/console/settings.json", async (_request, reply) =>
    reply.headers({ ...securityHeaders, "Cache-Control": "no-store" }).send({ sandbox }),
  );
}

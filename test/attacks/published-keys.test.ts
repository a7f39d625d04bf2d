import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  cooldownMs,
  createPublishedKeys,
  freshForMs,
  retryMs,
  usableForMs,
} from "../../packages/access-tokens/src/published-keys.ts";
import {
  createTokenVerifier,
  maxKeysTried,
} from "../../packages/access-tokens/src/token-verifier.ts";
import { authenticate } from "../support/authenticate.ts";
import { goodClaims } from "../support/forged-tokens.ts";
import { failureOf } from "../support/outcome.ts";
import { tokenRules } from "../support/tokens.ts";
import { unusableKeys } from "../support/unusable-keys.ts";

const invalid = { code: "Unauthenticated", reason: "ACCESS_TOKEN_INVALID" };
const unavailable = {
  code: "Unavailable",
  reason: "AUTHENTICATION_UNAVAILABLE",
  retryAfterMs: 1000,
};

/** A key of the issuer's, and a token made with it; each token is another one. */
async function createKey(kid?: string) {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const id = kid === undefined ? {} : { kid };
  let tokens = 0;
  return {
    jwk: { ...(await exportJWK(publicKey)), ...id },
    token: async () => {
      tokens += 1;
      return await new SignJWT({ ...goodClaims, jti: String(tokens) })
        .setProtectedHeader({ alg: "ES256", ...id })
        .sign(privateKey);
    },
  };
}

/** A verifier whose keys come from a URL that the test controls, and whose time stands still. */
async function createIssuerSite(fetchTimeoutMs?: number) {
  let time = 0;
  let answer: RequestListener = (_request, response) => response.destroy();
  const site = { fetches: 0 };
  const server = createServer((request, response) => {
    site.fetches += 1;
    answer(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  // A server that listens on a port has an address of this type.
  const { port } = server.address() as AddressInfo;
  const keys = createPublishedKeys(
    new URL(`http://127.0.0.1:${port}/keys`),
    tokenRules.algorithms,
    {
      now: () => time,
      ...(fetchTimeoutMs === undefined ? {} : { fetchTimeoutMs }),
    },
  );
  // jose counts the time since a fetch by Date.
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const verifier = createTokenVerifier(tokenRules, keys, () => (goodClaims.iat + 1) * 1000);
  const verify = (token: string) => authenticate(verifier, token);
  return Object.assign(site, {
    verify,
    publish(...jwks: JWK[]) {
      answer = (_request, response) => response.end(JSON.stringify({ keys: jwks }));
    },
    answerWith(listener: RequestListener) {
      answer = listener;
    },
    pass(ms: number) {
      time += ms;
      vi.setSystemTime(Date.now() + ms);
    },
    accepts: async (token: string) => (await verify(token)).subject === goodClaims.sub,
  });
}

test("a new key works without a restart, and one fetch serves many calls", async () => {
  const site = await createIssuerSite();
  const [first, second] = [await createKey("1"), await createKey("2")];
  site.publish(first.jwk);
  const tokens = await Promise.all(Array.from({ length: 50 }, first.token));
  expect(await Promise.all(tokens.map(site.accepts))).toEqual(tokens.map(() => true));
  expect(site.fetches).toBe(1);

  site.publish(first.jwk, second.jwk);
  site.pass(cooldownMs);
  expect(await site.accepts(await second.token())).toBe(true);
  expect(await site.accepts(await first.token())).toBe(true);
  expect(site.fetches).toBe(2);
});

test("a key that is no longer published stops its tokens after five minutes, verified before or not", async () => {
  const site = await createIssuerSite();
  const [first, second] = [await createKey("1"), await createKey("2")];
  site.publish(first.jwk, second.jwk);
  const used = await first.token();
  expect(await site.accepts(used)).toBe(true);

  site.publish(second.jwk);
  site.pass(freshForMs - 1);
  expect(await site.accepts(used)).toBe(true);
  site.pass(1);
  expect(await failureOf(site.verify(used))).toEqual(invalid);
  expect(await failureOf(site.verify(await first.token()))).toEqual(invalid);
  expect(await site.accepts(await second.token())).toBe(true);
});

test("another key under the same id stops the tokens of the first one", async () => {
  const site = await createIssuerSite();
  const [first, second] = [await createKey("1"), await createKey("1")];
  site.publish(first.jwk);
  const used = await first.token();
  expect(await site.accepts(used)).toBe(true);

  site.publish(second.jwk);
  site.pass(freshForMs);
  expect(await failureOf(site.verify(used))).toEqual(invalid);
  expect(await site.accepts(await second.token())).toBe(true);
});

test("a flood of unknown key ids causes one fetch every 30 seconds", async () => {
  const site = await createIssuerSite();
  const known = await createKey("known");
  site.publish(known.jwk);
  expect(await site.accepts(await known.token())).toBe(true);
  expect(site.fetches).toBe(1);

  const { token } = await createKey("unknown");
  const flood = await Promise.all(Array.from({ length: 500 }, token));
  for (let round = 0; round < 3; round += 1) {
    site.pass(cooldownMs);
    const failures = await Promise.all(flood.map((one) => failureOf(site.verify(one))));
    expect(failures).toEqual(flood.map(() => invalid));
    expect(await site.accepts(await known.token())).toBe(true);
    expect(site.fetches).toBe(2 + round);
  }
});

const failingSites: Record<string, RequestListener> = {
  "that is down": (_request, response) => response.destroy(),
  "that answers 500": (_request, response) => response.writeHead(500).end("{}"),
  "that answers 204": (_request, response) => response.writeHead(204).end(),
  "that sends elsewhere": (_request, response) =>
    response.writeHead(302, { Location: "/elsewhere" }).end(),
  "that answers HTML": (_request, response) => response.end("<html>login</html>"),
  "that answers no key set": (_request, response) => response.end('{"keys":{}}'),
  "that answers null": (_request, response) => response.end("null"),
  "that nests deeply": (_request, response) =>
    response.end(`{"keys":[${"[".repeat(50_000)}${"]".repeat(50_000)}]}`),
  "that answers more than 256 KiB": (_request, response) =>
    response.end(JSON.stringify({ keys: [], padding: "x".repeat(300_000) })),
  "that never stops": (request, response) => {
    const chunk = Buffer.alloc(64 * 1024, " ");
    const write = () => {
      while (!request.socket.destroyed && response.write(chunk));
    };
    response.on("drain", write);
    write();
  },
  "that cuts its answer": (request, response) => {
    response.writeHead(200, { "Content-Length": 1000 }).write('{"keys":[');
    request.socket.end();
  },
};

test.each(Object.entries(failingSites))(
  "with a site %s the last keys serve for an hour, then calls are UNAVAILABLE until it is back",
  async (_name, listener) => {
    const site = await createIssuerSite();
    const known = await createKey("known");
    const unknown = await createKey("unknown");
    site.publish(known.jwk);
    expect(await site.accepts(await known.token())).toBe(true);

    site.answerWith(listener);
    site.pass(freshForMs);
    expect(await site.accepts(await known.token())).toBe(true);
    // Whether the issuer has this key now, nobody can tell.
    expect(await failureOf(site.verify(await unknown.token()))).toEqual(unavailable);
    expect(site.fetches).toBe(2);
    site.pass(usableForMs - freshForMs - 1);
    expect(await site.accepts(await known.token())).toBe(true);
    site.pass(1);
    expect(await failureOf(site.verify(await known.token()))).toEqual(unavailable);

    site.publish(known.jwk);
    site.pass(retryMs);
    expect(await site.accepts(await known.token())).toBe(true);
  },
);

test("a site that has never answered is asked once a second, however many calls wait", async () => {
  const site = await createIssuerSite();
  const { token } = await createKey("1");
  const tokens = await Promise.all(Array.from({ length: 200 }, token));
  for (let round = 1; round <= 3; round += 1) {
    const failures = await Promise.all(tokens.map((one) => failureOf(site.verify(one))));
    expect(failures).toEqual(tokens.map(() => unavailable));
    expect(await failureOf(site.verify(await token()))).toEqual(unavailable);
    expect(site.fetches).toBe(round);
    site.pass(retryMs);
  }
});

test("a site that does not answer is given up", async () => {
  const site = await createIssuerSite(50);
  const { token } = await createKey("1");
  site.answerWith(() => undefined);
  expect(await failureOf(site.verify(await token()))).toEqual(unavailable);
});

test("nobody waits for a site that is known to be away", async () => {
  const site = await createIssuerSite();
  const { jwk, token } = await createKey("1");
  site.publish(jwk);
  expect(await site.accepts(await token())).toBe(true);
  site.answerWith((_request, response) => response.destroy());
  site.pass(freshForMs);
  expect(await site.accepts(await token())).toBe(true);

  const { promise: asked, resolve: ask } = Promise.withResolvers<ServerResponse>();
  site.answerWith((_request, response) => ask(response));
  site.pass(retryMs);
  expect(await site.accepts(await token())).toBe(true);
  // The fetch that this call began goes on.
  expect((await asked).closed).toBe(false);
});

test("keys that cannot be used are left out: weak, malformed, private, symmetric or unknown ones", async () => {
  const site = await createIssuerSite();
  const good = await createKey("good");
  const bad: JWK[] = Object.entries(unusableKeys)
    .filter(([, { text }]) => text.startsWith('{"kty') && text.endsWith("}"))
    .map(([kid, { text }]) => ({ ...JSON.parse(text), kid }));
  site.publish(...bad, good.jwk);
  expect(await site.accepts(await good.token())).toBe(true);
  for (const { kid = "", kty } of bad) {
    const header = { alg: kty === "RSA" ? "RS256" : kty === "oct" ? "HS256" : "ES256", kid };
    const input = [header, goodClaims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString("base64url"),
    );
    expect(await failureOf(site.verify(`${input.join(".")}.${"A".repeat(86)}`))).toEqual(invalid);
  }
});

test.each([
  ["of one id", "same"],
  ["without an id", undefined],
])("of several keys %s each is tried, so many at most", async (_name, kid) => {
  const site = await createIssuerSite();
  const keys = await Promise.all(Array.from({ length: maxKeysTried + 1 }, () => createKey(kid)));
  site.publish(...keys.map(({ jwk }) => jwk));
  for (const { token } of keys.slice(0, maxKeysTried)) {
    expect(await site.accepts(await token())).toBe(true);
  }
  expect(await failureOf(site.verify((await keys.at(-1)?.token()) ?? ""))).toEqual(invalid);
  const stranger = await createKey(kid);
  expect(await failureOf(site.verify(await stranger.token()))).toEqual(invalid);
});

test("how each fetch ended is told", async () => {
  const site = await createIssuerSite();
  const { jwk, token } = await createKey("1");
  const told: unknown[] = [];
  const listener = (message: unknown) => told.push(message);
  subscribe("access-tokens.keys", listener);
  onTestFinished(() => {
    unsubscribe("access-tokens.keys", listener);
  });
  await failureOf(site.verify(await token()));
  site.publish(jwk);
  site.pass(retryMs);
  await site.verify(await token());
  expect(told).toEqual([{ fetched: false }, { fetched: true }]);
});

import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createClient } from "@connectrpc/connect";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import {
  clockToleranceSeconds,
  createTokenVerifier,
} from "../../packages/access-tokens/src/token-verifier.ts";
import {
  createConfiguredKeys,
  UnusableKeyError,
} from "../../packages/access-tokens/src/verification-keys.ts";
import type { Caller } from "../../src/context.ts";
import { authenticate } from "../support/authenticate.ts";
import { callHeaders } from "../support/call-cases.ts";
import { badClaims, forgedTokens, goodClaims } from "../support/forged-tokens.ts";
import { acme, globex } from "../support/organizations.ts";
import { failureOf } from "../support/outcome.ts";
import { protocols } from "../support/protocols.ts";
import { goodHeaders, rawPosts, summarize } from "../support/raw-calls.ts";
import { partnerRequest } from "../support/requests.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { createTokenIssuer, tokenRules } from "../support/tokens.ts";
import { unusableKeys } from "../support/unusable-keys.ts";

const invalid = { code: "Unauthenticated", reason: "ACCESS_TOKEN_INVALID" };
const expired = { code: "Unauthenticated", reason: "ACCESS_TOKEN_EXPIRED" };

describe("A token that is not good", () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService("postgresql");
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(Object.entries(protocols))("over %s", (_name, createTransport) => {
    test("is ACCESS_TOKEN_INVALID however it was forged, and the answer does not say why", async () => {
      const client = createClient(PartnerService, createTransport(service.url));
      const tokens = await forgedTokens(service.issuer);
      for (const [name, claims] of Object.entries(badClaims)) {
        tokens[name] = await service.issuer.token(claims);
      }
      const messages = new Set<string>();
      for (const [name, token] of Object.entries(tokens)) {
        const call = client.createPartner(partnerRequest(), { headers: callHeaders(token) });
        call.catch((error: Error) => messages.add(error.message));
        expect({ name, ...(await failureOf(call)) }).toEqual({ name, ...invalid });
      }
      expect([...messages]).toEqual([
        "[unauthenticated] The access token is not one that this service accepts.",
      ]);
    });
  });

  test("is not logged, and leaves no partner and no failure behind", async () => {
    expect(await service.countPartners()).toBe(0);
    const log = JSON.stringify(service.log);
    expect(log).not.toMatch(/eyJ|call failed|request failed/);
  });

  describe.each(Object.entries(rawPosts))("over %s", (version, post) => {
    const postWith = async (...authorization: string[]) => {
      const headers = goodHeaders("").filter(([name]) => name !== "Authorization");
      return await post(service.url, [
        ...headers,
        ...authorization.map((value) => ["Authorization", value] as const),
      ]);
    };

    test.each([
      ["the same", (good: string) => [good, good]],
      ["the good one first", (good: string) => [good, "Bearer x"]],
      ["the good one last", (good: string) => ["Basic YTpi", good]],
    ])("is refused when Authorization comes twice: %s", async (_order, make) => {
      const answer = await postWith(...make(`Bearer ${await service.issuer.token()}`));
      expect(summarize(answer)).toEqual({
        status: 401,
        code: "unauthenticated",
        reason: "ACCESS_TOKEN_INVALID",
      });
    });

    test.each([
      "Bearer",
      "Bearer ",
      "Basic YTpi",
      "Token a.b.c",
      "Bearer a b",
      "Bearer\ta.b.c",
      "a.b.c",
    ])("is missing where the header says %j", async (value) => {
      const answer = await postWith(value);
      expect(summarize(answer)).toEqual({
        status: 401,
        code: "unauthenticated",
        reason: "ACCESS_TOKEN_MISSING",
      });
      expect(answer.headers["www-authenticate"]).toBe("Bearer");
    });

    test("is too large for a header at 100 kB, and the next call is served", async () => {
      const large = await service.issuer.token({ padding: "x".repeat(100_000) });
      const outcome = await postWith(`Bearer ${large}`).then(
        ({ status }) => status,
        (error: NodeJS.ErrnoException) => error.code,
      );
      expect(String(outcome)).toMatch(version === "HTTP/1.1" ? /^431$/ : /^ERR_HTTP2_/);
      expect((await postWith(`Bearer ${await service.issuer.token()}`)).status).toBe(200);
    });
  });
});

/** Makes what turns a token into the caller that it speaks for, or into the error that its caller gets. */
function createVerify(...parameters: Parameters<typeof createTokenVerifier<Caller>>) {
  const verifyToken = createTokenVerifier(...parameters);
  return (token: string) => authenticate(verifyToken, token);
}

describe("A good token", () => {
  let now = Date.UTC(2030, 0, 1);
  const seconds = () => Math.floor(now / 1000);

  async function createVerifier(rules = tokenRules) {
    const issuer = await createTokenIssuer();
    const keys = createConfiguredKeys(JSON.stringify(issuer.publicKey), rules.algorithms);
    return { issuer: { ...issuer, keys }, verify: createVerify(rules, keys, () => now) };
  }

  test("may be for several services, and speak for several organizations in either case", async () => {
    const { issuer, verify } = await createVerifier();
    const token = await issuer.token({
      exp: seconds() + 60,
      aud: ["another-service", tokenRules.audience],
      org_id: [acme.toUpperCase(), globex],
    });
    expect(await verify(token)).toEqual({
      subject: "test",
      organizations: [acme, globex],
      scopes: new Set(["partners:read", "partners:write"]),
    });
  });

  test("stops at its exp and the tolerance, to the second, verified before or not", async () => {
    const { issuer, verify } = await createVerifier();
    const exp = seconds() + 60;
    const [used, unused] = await Promise.all([
      issuer.token({ exp }),
      issuer.token({ exp, sub: "another" }),
    ]);
    await verify(used);
    now = (exp + clockToleranceSeconds) * 1000 - 1;
    expect((await verify(used)).subject).toBe("test");
    expect((await verify(unused)).subject).toBe("another");
    now += 1;
    expect(await failureOf(verify(used))).toEqual(expired);
    expect(await failureOf(verify(unused))).toEqual(expired);
  });

  test("starts at its nbf, less the tolerance, to the second", async () => {
    const { issuer, verify } = await createVerifier();
    const nbf = seconds() + 60;
    const token = await issuer.token({ nbf, exp: nbf + 60 });
    now = (nbf - clockToleranceSeconds) * 1000 - 1;
    expect(await failureOf(verify(token))).toEqual(invalid);
    now += 1;
    expect((await verify(token)).subject).toBe("test");
  });

  test.each(["RS256", "PS256", "ES256", "EdDSA"])(
    "may be signed with %s, where that is allowed and its key is the one configured",
    async (algorithm) => {
      const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
      const token = await new SignJWT({ ...goodClaims, exp: seconds() + 60 })
        .setProtectedHeader({ alg: algorithm, kid: randomUUID() })
        .sign(privateKey);
      const others = tokenRules.algorithms.filter((other) => other !== algorithm);
      const jwk = JSON.stringify(await exportJWK(publicKey));
      const keys = [
        createConfiguredKeys(jwk, tokenRules.algorithms),
        createConfiguredKeys(await exportSPKI(publicKey), tokenRules.algorithms),
      ];
      for (const key of keys) {
        const verify = createVerify(tokenRules, key, () => now);
        expect((await verify(token)).subject).toBe("test");
        const strict = createVerify({ ...tokenRules, algorithms: others }, key, () => now);
        expect(await failureOf(strict(token))).toEqual(invalid);
      }
    },
  );

  test.each(Object.entries(unusableKeys))(
    "cannot come from a configured key that is %s: the start fails",
    (_name, { text, why }) => {
      expect(() => createConfiguredKeys(text, tokenRules.algorithms)).toThrow(
        new UnusableKeyError(why),
      );
    },
  );

  test.each([
    ["absent", {}],
    ["JWT", { typ: "JWT" }],
    ["at+jwt", { typ: "at+jwt" }],
    ["AT+JWT", { typ: "AT+JWT" }],
    ["application/at+jwt", { typ: "application/at+jwt" }],
  ])("may have the typ %s, and must have at+jwt where that is demanded", async (name, header) => {
    const { issuer, verify } = await createVerifier();
    const strict = createVerify({ ...tokenRules, requireAtJwt: true }, issuer.keys, () => now);
    const token = await issuer.token({ exp: seconds() + 60 }, header);
    expect((await verify(token)).subject).toBe("test");
    if (/at\+jwt$/i.test(name)) {
      expect((await strict(token)).subject).toBe("test");
    } else {
      expect(await failureOf(strict(token))).toEqual(invalid);
    }
  });

  test("is verified once: a second call with it finds the first's outcome", async () => {
    const { issuer, verify } = await createVerifier();
    const told: unknown[] = [];
    const listener = (message: unknown) => told.push(message);
    subscribe("access-tokens.token", listener);
    onTestFinished(() => {
      unsubscribe("access-tokens.token", listener);
    });
    const token = await issuer.token({ exp: seconds() + 60 });
    expect(await verify(token)).toBe(await verify(token));
    await verify(await issuer.token({ exp: seconds() + 60, sub: "another" }));
    expect(told).toEqual([{ remembered: false }, { remembered: true }, { remembered: false }]);
  });
});

// What it buys to remember a token: `node packages/access-tokens/measure.ts`.
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createConfiguredKeys, createTokenVerifier } from "./src/index.ts";

const [issuer, audience, algorithms] = ["https://issuer.example.com", "measure", ["RS256"]];
const { publicKey, privateKey } = await generateKeyPair("RS256");
const keys = createConfiguredKeys(JSON.stringify(await exportJWK(publicKey)), algorithms);
const verify = createTokenVerifier(
  { issuer, audience, algorithms, requireAtJwt: false, readCaller: ({ sub }) => sub },
  keys,
);
const calls = 2000;
const tokens = await Promise.all(
  Array.from({ length: calls }, (_, index) =>
    new SignJWT({ jti: String(index) })
      .setProtectedHeader({ alg: "RS256" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject("somebody")
      .setExpirationTime("1h")
      .sign(privateKey),
  ),
);
for (const name of ["verified", "remembered"]) {
  const start = process.cpuUsage();
  for (const token of tokens) {
    await verify(token);
  }
  const { user, system } = process.cpuUsage(start);
  console.log(`${name}: ${((user + system) / calls).toFixed(2)} µs of CPU a token`);
}

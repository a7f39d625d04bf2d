// Compiles what takes minutes from nothing, of the suites that need Go or Rust: `npm run test:compile-ahead`. They
// build it again, and find the parts in their caches.
import { buildSuite, hasGo } from "./conformance/suite.ts";
import { clients } from "./interop/clients.ts";
import { buildClient, exportContract, reasonToSkip } from "./interop/workspace.ts";

const compiled = clients.filter(
  ({ needs }) => (needs.includes("go") || needs.includes("cargo")) && reasonToSkip(needs) === "",
);
if (hasGo) {
  await buildSuite();
}
exportContract();
for (const client of compiled) {
  await buildClient(client, new AbortController().signal);
}

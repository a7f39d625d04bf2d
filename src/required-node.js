import { readFileSync } from "node:fs";

// Says in one line which Node is needed, where an older one would fail on the first TypeScript. In
// JavaScript that any Node reads, and to be imported before all else.
const packageJson = readFileSync(new URL("../package.json", import.meta.url), "utf8");
const [needed] = /\d+/.exec(JSON.parse(packageJson).engines.node);
const [major] = process.versions.node.split(".");
if (Number(major) < Number(needed)) {
  console.error(
    `Node ${needed} or newer is needed, and this is ${process.versions.node}: install that, ` +
      "or run `npm ci` without --omit=dev, which brings it.",
  );
  process.exit(1);
}

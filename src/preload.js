// To be imported before the first TypeScript, with `--import`, and itself JavaScript that any Node reads.

import { readFileSync } from "node:fs";
// Not by name: an older Node lacks it.
import module from "node:module";
import { join } from "node:path";

// Says in one line which Node is needed, where an older one would fail on the first TypeScript.
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

// What one start has compiled the next one finds, beside the packages, whose code is most of it; a
// directory that others write to would be unsafe.
module.enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "compile"));

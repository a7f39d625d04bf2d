import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { applyEdit } from "../edit.ts";
import { type Mechanism, mechanisms } from "./mechanisms.ts";

// Loaded with `--import` into a service that is to run without the mechanism that WITHOUT names: its
// modules are loaded as they would be with the edits made.
const root = join(import.meta.dirname, "../..");
const found: [string, Mechanism] | undefined = Object.entries(mechanisms).find(
  ([name]) => name === process.env.WITHOUT,
);
const [, { edits = [] }] = found ?? ["", { edits: [] }];

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const own = url.startsWith("file:")
      ? edits.filter(({ file }) => fileURLToPath(url) === join(root, file))
      : [];
    return own.length === 0
      ? loaded
      : { ...loaded, source: own.reduce(applyEdit, String(loaded.source)) };
  },
});

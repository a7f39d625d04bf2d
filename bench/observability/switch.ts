import { createServer } from "node:http";
import { loadWithEdits } from "../edit.ts";
import { edits, type Part } from "./edits.ts";

// Loaded with `--import` into a service that tells all of its calls that it can: a GET of /audit,metrics at
// SWITCH_PORT has these two parts on, and what is not named do nothing, until the next such request.

interface Switched {
  readonly part: Part;
  readonly on: () => void;
  readonly off: () => void;
}

const parts = { audit: true, metrics: true, traces: true };
const switched: Switched[] = [];

// What the edits call.
Object.assign(globalThis, {
  observed: {
    parts,
    add(part: Part, on: () => void, off: () => void) {
      on();
      switched.push({ part, on, off });
    },
  },
});
loadWithEdits(edits);

createServer(({ url = "" }, response) => {
  const named = url.slice(1).split(",");
  for (const { part, on, off } of switched) {
    if (named.includes(part) !== parts[part]) {
      (parts[part] ? off : on)();
    }
  }
  for (const part of ["audit", "metrics", "traces"] as const) {
    parts[part] = named.includes(part);
  }
  response.end();
})
  .listen(Number(process.env.SWITCH_PORT), "127.0.0.1")
  .unref();

import { loadWithEdits } from "../edit.ts";
import { type Mechanism, mechanisms } from "./mechanisms.ts";

// Loaded with `--import` into a service that is to run without the mechanism that WITHOUT names.
const found: [string, Mechanism] | undefined = Object.entries(mechanisms).find(
  ([name]) => name === process.env.WITHOUT,
);
loadWithEdits(found?.[1].edits ?? []);

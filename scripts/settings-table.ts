// Writes the table of the settings into the document that has its markers; with --check it only
// compares, and fails where they differ.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { settings } from "../src/config.ts";

const [start, end] = ["<!-- settings: written by `npm run generate` -->", "<!-- /settings -->"];

const rows = Object.values(settings).map(
  ({ name, type, default: fallback, text }) => `| ${name} | ${type} | ${fallback} | ${text} |`,
);
const table = ["| variable | value | default | |", "|---|---|---|---|", ...rows].join("\n");

const documents = globSync(["README.md", "docs/*.md"]);
const [path, ...others] = documents.filter((name) => readFileSync(name, "utf8").includes(start));
if (path === undefined || others.length > 0) {
  throw new Error(`Not one document has the line ${start}.`);
}
const text = readFileSync(path, "utf8");
const [before = "", between = ""] = text.split(start);
const [, after] = between.split(end);
if (after === undefined) {
  throw new Error(`${path} lacks the line ${end}.`);
}
const written = `${before}${start}\n${table}\n${end}${after}`;
if (!process.argv.includes("--check")) {
  writeFileSync(path, written);
} else if (written !== text) {
  console.error(
    `The settings in ${path} are not those of src/config.ts: run \`npm run generate\`.`,
  );
  process.exitCode = 1;
}

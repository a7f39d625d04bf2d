import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import {
  any,
  file,
  listOf,
  listSettings,
  oneOf,
  onOff,
  optional,
  readSettings,
  StartError,
  setting,
  whole,
} from "../src/index.ts";

const run = promisify(execFile);

const settings = {
  port: setting("PORT", whole(0, 100), 80).for("the port"),
  level: setting("LEVEL", oneOf("low", "high"), "low").for("the level"),
  greets: setting("GREETS", onOff, "on").for("whether it greets"),
  names: setting(
    "NAMES",
    listOf("list", "must list names", (name) => /^\w+$/.test(name), 1),
    "ada",
  ).for("who is greeted"),
  tls: {
    key: optional("KEY_FILE", file("path")).for("the key"),
    issuer: optional("ISSUER", any("text"), "none").for("who has signed it"),
  },
};

test("Settings are read by their kinds, and what is absent or empty has its default", () => {
  const defaults = {
    ...{ port: 80, level: "low", greets: true, names: ["ada"] },
    tls: { key: undefined, issuer: undefined },
  };
  expect(readSettings(settings, {})).toEqual(defaults);
  expect(readSettings(settings, { PORT: "", ISSUER: "" })).toEqual(defaults);
  const path = join(import.meta.dirname, "../package.json");
  const given = { PORT: "0", LEVEL: "high", GREETS: "off", NAMES: "ada, ,grace", KEY_FILE: path };
  expect(readSettings(settings, given)).toEqual({
    ...{ port: 0, level: "high", greets: false, names: ["ada", "grace"] },
    tls: { key: expect.stringContaining('"version"'), issuer: undefined },
  });
});

test.each([
  ["PORT", "101", "PORT must be a whole number from 0 to 100."],
  ["PORT", "1e1", "PORT must be a whole number from 0 to 100."],
  ["LEVEL", "loud", "LEVEL must be one of low, high."],
  ["GREETS", "yes", "GREETS must be on or off."],
  ["NAMES", ",", "NAMES must list names."],
  ["NAMES", "ada,b c", "NAMES must list names."],
  ["KEY_FILE", "/nowhere", "KEY_FILE names a file that cannot be read (ENOENT)."],
])("%s=%s is refused, in a line without the text", (name, text, message) => {
  expect(() => readSettings(settings, { [name]: text })).toThrow(new StartError(message));
});

test("All settings are listed in order, with what people need to know", () => {
  expect(listSettings(settings).map(({ name }) => name)).toEqual([
    ...["PORT", "LEVEL", "GREETS", "NAMES", "KEY_FILE", "ISSUER"],
  ]);
  const [first] = listSettings(settings);
  expect(first).toMatchObject({ type: "0 to 100", default: "80", text: "the port" });
});

test("A command that its user can mend ends with one line, and with 1", async () => {
  const door = join(import.meta.dirname, "../src/index.ts");
  const code = `import { runCommand, StartError } from "${door}";
    await runCommand(async () => { throw new StartError("PORT is taken."); });`;
  const args = ["--input-type=module", "--eval", code];
  await expect(run(process.execPath, args)).rejects.toMatchObject({
    code: 1,
    stderr: "PORT is taken.\n",
  });
});

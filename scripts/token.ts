import { parseArgs } from "node:util";
import { runCommand, StartError } from "@partner-service/settings";
import { readConfig } from "../src/config/config.ts";
import { useDataDirectory } from "../src/database/data-directory.ts";
import { contractScopes, openSandbox } from "../src/sandbox/sandbox.ts";

/** Prints an access token for the sandbox, alone, on stdout. */
const usage = `usage: npm run --silent token -- --organization UUID [--scope "SCOPE …"] [--any-scope] [--expires-in SECONDS]

  --scope       what the token may do: of ${contractScopes.join(", ")}; without it, all
  --any-scope   lets --scope have scopes that the contract does not know
  --expires-in  how long it is good, 43200 without it; below 0: a token that has expired (5 s are tolerated)`;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const seconds = /^-?\d{1,9}$/;

function readArguments() {
  // The parser takes a value that begins with a hyphen for an option, unless it is joined with its own.
  const args = process.argv
    .slice(2)
    .join("\0")
    .replace(/--expires-in\0(?=-\d)/, "--expires-in=");
  try {
    return parseArgs({
      args: args === "" ? [] : args.split("\0"),
      options: {
        organization: { type: "string" },
        scope: { type: "string" },
        "any-scope": { type: "boolean", default: false },
        "expires-in": { type: "string" },
      },
    }).values;
  } catch {
    return undefined;
  }
}

function refuse(text: string): never {
  console.error(text);
  process.exit(2);
}

const values = readArguments();
if (values?.organization === undefined || !uuid.test(values.organization)) {
  refuse(usage);
}
const { organization, scope, "any-scope": anyScope, "expires-in": expiresIn } = values;
if (expiresIn !== undefined && !seconds.test(expiresIn)) {
  refuse(usage);
}
const unknown = scope?.split(" ").filter((name) => !contractScopes.includes(name)) ?? [];
if (unknown.length > 0 && !anyScope) {
  refuse(
    `The contract does not know the scope ${unknown.join(" ")}: it has ${contractScopes.join(", ")}. ` +
      "With --any-scope the token has it all the same.",
  );
}
await runCommand(async () => {
  const { authentication, dataDirectory, organizationClaim } = readConfig(process.env);
  if (authentication !== undefined) {
    throw new StartError("A key is configured: its issuer makes the tokens, not this command.");
  }
  const sandbox = await useDataDirectory(dataDirectory, () =>
    openSandbox(dataDirectory, organizationClaim),
  );
  const expiresInSeconds = expiresIn === undefined ? undefined : Number(expiresIn);
  console.log(await sandbox.createToken(organization.toLowerCase(), { scope, expiresInSeconds }));
});

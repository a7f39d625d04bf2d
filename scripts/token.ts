import { parseArgs } from "node:util";
import { readConfig } from "../src/config.ts";
import { openSandboxKey } from "../src/sandbox/sandbox-key.ts";
import {
  createSandboxToken,
  sandboxScope,
  sandboxTokenRules,
} from "../src/sandbox/sandbox-token.ts";
import { ConfigError } from "../src/setting.ts";

/** Prints an access token for the sandbox, alone, on stdout. */
const usage = 'usage: npm run --silent token -- --organization UUID [--scope "SCOPE …"]';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readArguments() {
  try {
    return parseArgs({
      options: {
        organization: { type: "string" },
        scope: { type: "string", default: sandboxScope },
      },
    }).values;
  } catch {
    return undefined;
  }
}

const values = readArguments();
if (values?.organization === undefined || !uuid.test(values.organization)) {
  console.error(usage);
  process.exit(2);
}
try {
  const config = readConfig(process.env);
  if (config.authentication !== undefined) {
    throw new ConfigError("A key is configured: its issuer makes the tokens, not this command.");
  }
  const key = await openSandboxKey(config.dataDirectory);
  const rules = sandboxTokenRules(config.organizationClaim);
  const organization = values.organization.toLowerCase();
  console.log(await createSandboxToken(key, rules, organization, values.scope));
} catch (failure) {
  if (!(failure instanceof ConfigError)) {
    throw failure;
  }
  console.error(failure.message);
  process.exitCode = 1;
}

import { parseArgs } from "node:util";
import { readConfig } from "../src/config.ts";
import { useDataDirectory } from "../src/data-directory.ts";
import { openSandbox, sandboxScope } from "../src/sandbox/sandbox.ts";
import { runCommand, StartError } from "../src/start-error.ts";

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
const { organization, scope } = values;
await runCommand(async () => {
  const { authentication, dataDirectory, organizationClaim } = readConfig(process.env);
  if (authentication !== undefined) {
    throw new StartError("A key is configured: its issuer makes the tokens, not this command.");
  }
  const sandbox = await useDataDirectory(dataDirectory, () =>
    openSandbox(dataDirectory, organizationClaim),
  );
  console.log(await sandbox.createToken(organization.toLowerCase(), scope));
});

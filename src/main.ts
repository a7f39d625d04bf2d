import { parseArgs } from "node:util";
import { describeSettings, runCommand, StartError } from "@partner-service/settings";
import { readConfig } from "./config/config.ts";
import { settings } from "./config/settings.ts";

const help = `Starts the partner service. Its settings are environment variables:

${describeSettings(settings)}
npm run migrate applies the migrations; npm run purge forgets deleted partners;
npm run token prints a token for the sandbox.
`;

/** The process: settings → the service, or the processes that are the service. */
async function main(): Promise<void> {
  if (isHelpWanted()) {
    console.log(help);
    return;
  }
  const config = readConfig(process.env);
  if (config.processes === 1) {
    const { runAlone } = await import("./processes/service-process.ts");
    await runAlone(config);
  } else {
    const { runService } = await import("./processes/primary.ts");
    await runService(config);
  }
}

function isHelpWanted(): boolean {
  try {
    return parseArgs({ options: { help: { type: "boolean" } } }).values.help === true;
  } catch (cause) {
    const message = "The start takes no arguments but --help: settings are in the environment.";
    throw new StartError(message, { cause });
  }
}

await runCommand(main);

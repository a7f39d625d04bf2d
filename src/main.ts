import { parseArgs } from "node:util";
import { runCommand, StartError } from "@partner-service/settings";
import { describeSettings, readConfig } from "./config/config.ts";

/** The process: settings → the service, or the processes that are the service. */
async function main(): Promise<void> {
  if (isHelpWanted()) {
    console.log(describeSettings());
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
    throw new StartError(
      "The start takes no arguments but --help: settings are in the environment.",
      {
        cause,
      },
    );
  }
}

await runCommand(main);

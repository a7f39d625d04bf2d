import { parseArgs } from "node:util";
import { describeSettings, readConfig } from "./config.ts";
import { findOutputFile, joinLogLines, openLogOutput } from "./log-lines.ts";
import { describeSandbox } from "./sandbox/welcome.ts";
import { type Service, startService } from "./service.ts";
import { runCommand, StartError } from "./start-error.ts";

/** The process: settings → service → signals. */
async function main(): Promise<void> {
  if (isHelpWanted()) {
    console.log(describeSettings());
    return;
  }
  const config = readConfig(process.env);
  const lines = joinLogLines(openLogOutput(process.stdout));
  process.once("exit", lines.flush);
  const signals = listenToSignals();
  const service = await startService(config, {
    level: config.logLevel,
    stream: { ...lines, file: findOutputFile(process.stdout) },
  });
  signals.serve(service);
  if (service.sandbox === undefined) {
    service.app.log.info({ url: service.url }, "ready");
    return;
  }
  const organization = crypto.randomUUID();
  const token = await service.sandbox.createToken(organization);
  // Past the log, a full disk under stdout would end the process.
  lines.write(describeSandbox(service.url, config.dataDirectory, organization, token));
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

/** How soon a second signal may be the first one's echo: npm hands on the Ctrl-C that both have got. */
const echoMs = 1000;

/**
 * SIGTERM and SIGINT stop the service, and end a process that has not started yet at once; a second
 * one, after a second, ends it whatever is in flight. SIGHUP has the TLS files read again and the file of
 * the audit trail opened anew, but where a terminal has hung up, it stops the service as well.
 *
 * close-with-grace would end on each SIGHUP, on the echo of a Ctrl-C, and with 0 where calls were cut.
 */
function listenToSignals(): { serve(service: Service): void } {
  let service: Service | undefined;
  let stoppingSince: number | undefined;

  function stop(signal: NodeJS.Signals): void {
    if (service === undefined) {
      process.exit(0);
    }
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > echoMs) {
        service.app.log.warn({ signal }, "ended before all calls were answered");
        process.exit(1);
      }
      return;
    }
    stoppingSince = performance.now();
    const { log } = service.app;
    log.info({ signal }, "stopping");
    service.stop().then(
      (clean) => {
        log.info({ clean }, "stopped");
        process.exit(clean ? 0 : 1);
      },
      (failure: unknown) => {
        log.fatal({ err: failure }, "could not stop");
        process.exit(1);
      },
    );
  }

  function reload(signal: NodeJS.Signals): void {
    if (process.stdout.isTTY || service === undefined) {
      stop(signal);
      return;
    }
    service.reload();
  }

  process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
  return {
    serve(started) {
      service = started;
    },
  };
}

await runCommand(main);

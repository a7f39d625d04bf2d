import { describeSettings, readConfig } from "./config.ts";
import { joinLogLines } from "./log-lines.ts";
import { createSandboxToken, sandboxTokenRules } from "./sandbox/sandbox-token.ts";
import { describeSandbox } from "./sandbox/welcome.ts";
import { type Service, startService } from "./service.ts";

/** The process: settings → service → signals. */
export async function runProcess(): Promise<void> {
  if (process.argv.includes("--help")) {
    process.stdout.write(describeSettings());
    return;
  }
  const config = readConfig(process.env);
  const lines = joinLogLines(process.stdout);
  process.once("exit", lines.flush);
  const service = await startService(config, { level: config.logLevel, stream: lines });
  stopOnSignals(service);
  if (service.sandboxKey === undefined) {
    service.app.log.info({ url: service.url }, "ready");
    return;
  }
  const organization = crypto.randomUUID();
  const rules = sandboxTokenRules(config.organizationClaim);
  const token = await createSandboxToken(service.sandboxKey, rules, organization);
  process.stdout.write(describeSandbox(service.url, config.dataDirectory, organization, token));
}

function stopOnSignals({ app, stop }: Service): void {
  const onSignal = (signal: NodeJS.Signals): void => {
    app.log.info({ signal }, "stopping");
    stop().then(
      (clean) => {
        app.log.info({ clean }, "stopped");
        process.exit(clean ? 0 : 1);
      },
      (failure: unknown) => {
        app.log.fatal({ err: failure }, "could not stop");
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", onSignal);
  process.once("SIGINT", onSignal);
}

import { registerHooks } from "node:module";
import { readConfig } from "../../src/config/config.ts";

// Starts the service as its settings say, and tells whether it has loaded OpenTelemetry.
let loaded = false;
registerHooks({
  load(url, context, next) {
    loaded ||= url.includes("/@opentelemetry/");
    return next(url, context);
  },
});
const { startService } = await import("../../src/service.ts");
const service = await startService(readConfig(process.env), { level: "silent" });
await service.stop();
console.log(`loaded: ${loaded}`);

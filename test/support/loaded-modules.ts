import { registerHooks } from "node:module";
import { readConfig } from "../../src/config/config.ts";

// Starts the service as its settings say, and tells which of these it has loaded.
const optional = ["@opentelemetry", "@fastify/cors", "ajv"];
const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    for (const name of optional.filter((each) => url.includes(`/node_modules/${each}/`))) {
      loaded.add(name);
    }
    return next(url, context);
  },
});
const { startService } = await import("../../src/service.ts");
const service = await startService(readConfig(process.env), { level: "silent" });
await service.stop();
console.log(`loaded: ${[...loaded].join(" ")}`);

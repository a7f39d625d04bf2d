import { enableCompileCache } from "node:module";
import { join } from "node:path";

// What one start has compiled the next one finds, beside the packages, whose code is most of it; a
// directory that others write to would be unsafe. That helps only what is loaded from here on.
enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "compile"));

const { runCommand } = await import("./run-command.ts");
const { runProcess } = await import("./process.ts");
await runCommand(runProcess);

import { runProcess } from "./process.ts";
import { runCommand } from "./run-command.ts";

await runCommand(runProcess);

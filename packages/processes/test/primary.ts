import { join } from "node:path";
import { runProcesses } from "../src/index.ts";

// Runs the processes of the test, and does what it is told to by messages.
const tell = (message: object) => process.send?.(message);
const processes = await runProcesses<{ readonly port: number }>({
  file: join(import.meta.dirname, String(process.argv[2])),
  count: 2,
  log: {
    info: (fields, message) => tell({ ...fields, message }),
    error: (fields, message) => tell({ ...fields, message }),
  },
  onStart: (child) => tell({ message: "begun", process: child.pid }),
  onComplete: ({ port }) => tell({ message: "complete", port }),
  readCounts: async (child) => {
    tell({ message: "counts read", process: child.pid });
  },
});
process.on("message", async (message) => {
  if (message === "replace") {
    processes.replace();
  } else {
    tell({ message: "stopped", clean: await processes.stop() });
    process.exit();
  }
});

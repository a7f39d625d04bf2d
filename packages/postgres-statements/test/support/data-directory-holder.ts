import { lockDataDirectory } from "../../src/data-directory.ts";

/** A process that works in the data directory that its argument names, as far as others see, until it is killed. */
const lock = lockDataDirectory(String(process.argv[2]));
process.once("exit", lock.release);
process.stdout.write("open\n");
setInterval(() => undefined, 60_000);

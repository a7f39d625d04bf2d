import { createOrm } from "../../src/index.ts";
import { createNotes, schema } from "./notes.ts";

/**
 * A process that writes notes into the data directory that its argument names, until it is killed, and prints
 * the id of each once it is written.
 */
const orm = await createOrm({ dataDirectory: String(process.argv[2]) }, schema);
const notes = createNotes(orm);

async function write(): Promise<never> {
  for (;;) {
    const { id } = await notes.write();
    process.stdout.write(`${id}\n`);
  }
}

process.stdout.write("open\n");
await Promise.all([write(), write(), write()]);

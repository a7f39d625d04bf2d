import { createOrm } from "@partner-service/postgres-statements";
import { createPartnerRepository } from "../../src/partners/partner-repository.ts";
import { schema } from "../../src/schema.ts";
import { newPartner } from "./partners.ts";

/**
 * A process that creates partners in the migrated data directory that its argument names, until it is
 * killed, and prints the id of each once the repository has answered it.
 */
const orm = await createOrm({ dataDirectory: String(process.argv[2]) }, schema);
const repository = createPartnerRepository(orm);
const { signal } = new AbortController();

async function write(): Promise<never> {
  for (;;) {
    const { id } = await repository.create(newPartner(), signal);
    process.stdout.write(`${id}\n`);
  }
}

process.stdout.write("open\n");
await Promise.all([write(), write(), write()]);

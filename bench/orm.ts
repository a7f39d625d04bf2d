import { randomUUID } from "node:crypto";
import { createOrm, turnPatienceMs } from "@partner-service/postgres-statements";
import { schema } from "../src/database/open-database.ts";
import { initialPartner, type NewPartner, PartnerEntity } from "../src/partners/partner-entity.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { toNewPartner } from "../src/rpcs/partner-mapping.ts";
import { partner } from "./calls.ts";
import { startDatabase } from "./database.ts";
import { endWith } from "./end-with.ts";
import { writeSection } from "./report/performance-page.ts";
import { median } from "./report/results.ts";

const callers = 64;
const rounds = 3;
const seconds = 3;

/**
 * Stores and finds the same partner through MikroORM and through the repository, in turn, and
 * prints what a call costs this process. Nothing else is measured: neither HTTP nor Connect take part.
 */
async function main(): Promise<void> {
  const database = await startDatabase();
  const orm = await createOrm({ databaseUrl: database.url }, schema);
  try {
    const { signal } = new AbortController();
    const repository = createPartnerRepository(orm);
    const alone = createPartnerRepository(orm, {
      ...{ statements: 10, callsPerStatement: 1 },
      ...{ waiting: callers, waitMs: turnPatienceMs },
    });
    const { organizationId, id } = await repository.create(newPartner(), signal);
    const ways: readonly [title: string, call: () => Promise<unknown>][] = [
      [
        "create: MikroORM, persist and flush",
        () => persist(initialPartner(newPartner(), randomUUID(), orm.clock.now())),
      ],
      [
        "create: MikroORM, em.insert",
        () =>
          orm.em
            .fork()
            .insert(PartnerEntity, initialPartner(newPartner(), randomUUID(), orm.clock.now())),
      ],
      ["create: repository, a statement each", () => alone.create(newPartner(), signal)],
      ["create: repository", () => repository.create(newPartner(), signal)],
      [
        "get: MikroORM, em.findOne",
        () => orm.em.fork().findOne(PartnerEntity, { organizationId, id }),
      ],
      ["get: repository", () => repository.find({ organizationId, id }, signal)],
    ];
    async function persist(partner: ReturnType<typeof initialPartner>): Promise<void> {
      const em = orm.em.fork();
      em.persist(em.create(PartnerEntity, partner));
      await em.flush();
    }

    const figures = new Map(ways.map(([title]) => [title, [] as Figures[]]));
    // The first round warms up, and does not count.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [title, call] of ways) {
        const measured = await measure(call);
        if (round > 0) {
          figures.get(title)?.push(measured);
        }
      }
    }
    const lines = [
      `| ${callers} callers, medians of ${rounds} × ${seconds} s | a second | CPU a call |`,
      "|---|---:|---:|",
    ];
    for (const [title, all] of figures) {
      const perSecond = Math.round(median(all.map((each) => each.perSecond)));
      const cpu = Math.round(median(all.map((each) => each.cpuMicroseconds)));
      lines.push(`| ${title} | ${perSecond} | ${cpu} µs |`);
    }
    const text = `${lines.join("\n")}\n`;
    console.log(text);
    await writeSection("bench:orm", text);
  } finally {
    await orm.close(true);
    await database.stop();
  }
}

interface Figures {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

/** What the call costs while all callers repeat it. */
async function measure(call: () => Promise<unknown>): Promise<Figures> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + seconds * 1000;
  let calls = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < end) {
        await call();
        calls += 1;
      }
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: (calls * 1000) / (performance.now() - start),
    cpuMicroseconds: (user + system) / calls,
  };
}

function newPartner(): NewPartner {
  return toNewPartner(partner, randomUUID());
}

await main();
endWith(0);

import type { Options } from "@mikro-orm/core";
import { Migrator } from "@mikro-orm/migrations";
import { PartnerEntity } from "../partners/partner-entity.ts";
import { migrations } from "./migrations.ts";

/** What both engines have in common. */
export const ormOptions = {
  entities: [PartnerEntity],
  extensions: [Migrator],
  metadataCache: { enabled: false },
  ensureDatabase: false,
  // Its log would show parameters: personal data.
  debug: false,
  migrations: {
    migrationsList: migrations,
    // A transaction for each migration: one for all would nest them in savepoints.
    allOrNothing: false,
    disableForeignKeys: false,
    snapshot: false,
    silent: true,
  },
} satisfies Partial<Options>;

import type { DatabaseSchema } from "@partner-service/postgres-statements";
import { migrations } from "./database/migrations.ts";
import { ChangeEpochEntity } from "./partners/change-epoch.ts";
import { PartnerEntity, PurgeEntity } from "./partners/partner-entity.ts";

/** What the service keeps in its database, and how its tables came to be. */
export const schema: DatabaseSchema = {
  applicationName: "partner-service",
  entities: [PartnerEntity, PurgeEntity, ChangeEpochEntity],
  migrations,
};

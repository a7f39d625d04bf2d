import type { DatabaseSchema } from "./database/either-orm.ts";
import { migrations } from "./database/migrations.ts";
import { ChangeEpochEntity } from "./partners/change-epoch.ts";
import { PartnerEntity, PurgeEntity } from "./partners/partner-entity.ts";

/** What the service keeps in its database, and how its tables came to be. */
export const schema: DatabaseSchema = {
  entities: [PartnerEntity, PurgeEntity, ChangeEpochEntity],
  migrations,
};

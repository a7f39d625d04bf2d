import { randomUUID } from "node:crypto";
import type { NewPartner } from "../../src/partners/partner-entity.ts";
import { toNewPartner } from "../../src/rpcs/partner-mapping.ts";
import { partnerRequest } from "./requests.ts";

/** A new partner that breaks no rule, in an organization of its own unless told otherwise. */
export function newPartner(changes: Partial<NewPartner> = {}): NewPartner {
  return { ...toNewPartner(partnerRequest(), randomUUID()), ...changes };
}

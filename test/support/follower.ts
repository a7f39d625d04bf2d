import { setTimeout as delay } from "node:timers/promises";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import type { PartnerChange } from "../../gen/partner/v1/partner_service_pb.ts";
import type { BookClient } from "./book.ts";

/** A copy of a book, as whoever follows its changes keeps it. */
export interface Follower {
  readonly copy: ReadonlyMap<string, Partner>;
  /** The token to go on from; empty at the beginning. */
  token: string;
  /** Takes a change into the copy. */
  take(change: PartnerChange): void;
  /** Asks for changes until there are no more for the moment, and answers those that came. */
  catchUp(): Promise<readonly PartnerChange[]>;
  /**
   * Catches up until what came fulfils the condition: changes come only once all transactions of the
   * server that are older have ended, those of other tests as well.
   */
  until(
    isEnough: (changes: readonly PartnerChange[]) => boolean,
  ): Promise<readonly PartnerChange[]>;
}

/** Makes a follower that has nothing yet. */
export function createFollower(client: BookClient, pageSize = 0): Follower {
  const copy = new Map<string, Partner>();

  const follower: Follower = {
    copy,
    token: "",
    take({ change }) {
      if (change.case === "partner") {
        copy.set(change.value.id, change.value);
      } else if (change.case === "deletedPartner") {
        copy.delete(change.value.id);
      }
    },
    async catchUp() {
      const all: PartnerChange[] = [];
      for (let more = true; more; ) {
        const page = await client.listPartnerChanges({ changeToken: follower.token, pageSize });
        page.changes.forEach(follower.take);
        all.push(...page.changes);
        follower.token = page.nextChangeToken;
        more = page.more;
      }
      return all;
    },
    async until(isEnough) {
      const all: PartnerChange[] = [];
      for (;;) {
        all.push(...(await follower.catchUp()));
        if (isEnough(all)) {
          return all;
        }
        await delay(20);
      }
    },
  };
  return follower;
}

/** What a change says, in a word: the name of the partner's company, or the id that is gone. */
export function tell({ change }: PartnerChange): string {
  switch (change.case) {
    case "partner":
      return `${change.value.companyName} ${change.value.etag}`;
    case "deletedPartner":
      return `deleted ${change.value.id}`;
    default:
      throw new Error("A change says nothing.");
  }
}

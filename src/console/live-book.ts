import { Code, ConnectError } from "@connectrpc/connect";
import { useEffect, useState } from "preact/hooks";
import type { ChangeAuthor, PartnerChange } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Caller } from "./caller.ts";
import { organizationName } from "./organizations.ts";
import { partnersAs } from "./partners-client.ts";

/** What has become of a book since it was opened, whoever changed it, in whichever window. */
export interface LiveBook {
  /** How often it was told of changes. */
  readonly tellings: number;
  /** The latest change, for a person; empty at first. */
  readonly latest: string;
}

const untouched: LiveBook = { tellings: 0, latest: "" };
/** A book that is longer is not followed: its beginning would have to come here first. */
const longestBeginning = 10;
const longestWaitMs = 30_000;

/** Follows the target's book as long as the caller may, over lost connections and new starts. */
export function useLiveBook(caller: Caller): LiveBook {
  const [live, setLive] = useState(untouched);
  useEffect(() => {
    const end = new AbortController();
    void follow(caller, end.signal, (latest) => {
      setLive(({ tellings }) => ({ tellings: tellings + 1, latest }));
    });
    return () => end.abort();
  }, [caller]);
  return live;
}

async function follow(
  caller: Caller,
  signal: AbortSignal,
  tell: (latest: string) => void,
): Promise<void> {
  const names = new Map<string, string>();
  let changeToken = "";
  let beginning = 0;
  let hasBegun = false;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const messages = partnersAs(caller).watchPartnerChanges({ changeToken }, { signal });
      for await (const message of messages) {
        failures = 0;
        changeToken = message.nextChangeToken;
        const latest = message.changes.map((change) => describe(change, names)).at(-1);
        if (hasBegun && latest !== undefined) {
          tell(latest);
        }
        hasBegun ||= !message.more;
        beginning += hasBegun ? 0 : 1;
        if (beginning > longestBeginning) {
          return;
        }
      }
    } catch (reason) {
      const { code } = ConnectError.from(reason);
      // The service or the network is away. Of a right that has ended the book itself tells.
      if (code !== Code.Unavailable && code !== Code.Unknown) {
        return;
      }
    }
    await new Promise((resolve) => {
      setTimeout(resolve, Math.min(1000 * 2 ** failures, longestWaitMs));
    });
  }
}

/**
 * Says what a change has done, and who, and keeps the name.
 *
 * @param names what partners are called, by their ids, for when they are deleted.
 */
function describe({ change, author }: PartnerChange, names: Map<string, string>): string {
  const who = author && nameOf(author);
  if (change.case === "partner") {
    const { id, companyName = "", createdAt, updatedAt } = change.value;
    names.set(id, companyName);
    // Of changes that come as one the author is that of the last, who need not be who added the partner.
    const isNew =
      createdAt?.seconds === updatedAt?.seconds && createdAt?.nanos === updatedAt?.nanos;
    return sentence(who, isNew ? "added" : "changed", companyName);
  }
  const { id = "" } = change.value ?? {};
  return sentence(who, "deleted", names.get(id) ?? `partner ${id.slice(0, 8)}…`);
}

function nameOf({ author }: ChangeAuthor): string | undefined {
  return author.case === "organizationId" ? organizationName(author.value) : author.value;
}

function sentence(who: string | undefined, done: string, what: string): string {
  return who === undefined ? `${what} has been ${done}.` : `${who} has ${done} ${what}.`;
}

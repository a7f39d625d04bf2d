import { useState } from "preact/hooks";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import { OrderDirection, PartnerOrderField } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Caller } from "./caller.ts";
import { useLiveBook } from "./live-book.ts";
import { organizationName } from "./organizations.ts";
import { PartnerSummary } from "./partner-summary.tsx";
import { partnersAs } from "./partners-client.ts";
import { useLoaded } from "./use-loaded.ts";

const step = 10;

interface BookProps {
  readonly caller: Caller;
  /** How many calls have changed something so far: the list is read anew when it grows. */
  readonly changes: number;
  readonly onUse: (partner: Partner) => void;
}

/** The partners in the target's book, the newest first, as far as the caller may read it. */
export function Book({ caller, changes, onUse }: BookProps) {
  const [most, setMost] = useState(step);
  const { tellings, latest } = useLiveBook(caller);
  const list = useLoaded(() => readBook(caller, most), `${changes} ${tellings} ${most}`);
  const name = organizationName(caller.target);
  const isOwn = caller.requester === caller.target;
  return (
    <section class="panel book" aria-labelledby="book-heading">
      <header>
        <h2 id="book-heading">Partners in the book of {name}</h2>
        {list.value !== undefined && <p class="badge">{list.value.total}</p>}
      </header>
      <p class="hint" role="status">
        {latest}
      </p>
      {list.failure !== "" && (
        <div class="notice" role="status">
          <p>The book cannot be shown. {list.failure}</p>
          <button type="button" onClick={list.retry}>
            Try again
          </button>
        </div>
      )}
      {list.value?.total === 0 && (
        <p class="hint">{isOwn ? "The book is empty. Create a partner." : "The book is empty."}</p>
      )}
      <ul class="partners">
        {list.value?.partners.map((partner) => (
          <li key={partner.id}>
            <PartnerSummary partner={partner} />
            <button type="button" class="quiet" onClick={() => onUse(partner)}>
              Use<span class="visually-hidden"> {partner.companyName} in the forms</span>
            </button>
          </li>
        ))}
      </ul>
      {list.value !== undefined && list.value.total > list.value.partners.length && (
        <button type="button" onClick={() => setMost(most + step)}>
          Show more
        </button>
      )}
    </section>
  );
}

/** Reads the newest partners of a book. */
async function readBook(caller: Caller, most: number) {
  const partners: Partner[] = [];
  let pageToken = "";
  let total = 0;
  do {
    const page = await partnersAs(caller).listPartners({
      pageSize: Math.min(100, most - partners.length),
      pageToken,
      includeTotalSize: pageToken === "",
      order: { field: PartnerOrderField.CREATED_AT, direction: OrderDirection.DESCENDING },
    });
    partners.push(...page.partners);
    total = page.totalSize ?? total;
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && partners.length < most);
  return { partners, total };
}

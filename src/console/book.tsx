import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import { OrderDirection, PartnerOrderField } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Caller } from "./caller.ts";
import { useLiveBook } from "./live-book.ts";
import { organizationName } from "./organizations.ts";
import type { Unsaved } from "./partner-edit.ts";
import { PartnerPanel } from "./partner-panel.tsx";
import { PartnerSummary } from "./partner-summary.tsx";
import { partnersAs } from "./partners-client.ts";
import type { Go } from "./place.ts";
import { useLoaded } from "./use-loaded.ts";

const step = 20;

interface BookProps {
  readonly caller: Caller;
  /** The id of the partner that is open, or `new`; else empty. */
  readonly open: string;
  /** How many calls of this page have changed something so far. */
  readonly changes: number;
  readonly unsaved: Unsaved;
  readonly onChange: () => void;
  readonly onUse: (partner: Partner) => void;
  readonly go: Go;
}

/** The target's book, and the partner that is open in it, as far as the caller may read it. */
export function Book({ caller, open, changes, unsaved, onChange, onUse, go }: BookProps) {
  const { tellings, latest } = useLiveBook(caller);
  const [deleted, setDeleted] = useState<{ partner: Partner; tellings: number }>();
  const heading = useRef<HTMLHeadingElement>(null);
  const wasOpen = useRef(open);
  const version = `${changes} ${tellings}`;

  // Whoever opens a partner reads on there, and whoever closes it is where it was opened.
  useLayoutEffect(() => {
    const before = wasOpen.current;
    wasOpen.current = open;
    if (open !== before && open !== "") {
      document.getElementById("partner-heading")?.focus();
    } else if (open !== before && document.activeElement === document.body) {
      const row = document.getElementById(`partner-${before}`);
      (row === null || before === deleted?.partner.id ? heading.current : row)?.focus();
    }
  }, [open]);

  useLayoutEffect(
    () => () => {
      wasOpen.current = "";
    },
    [],
  );

  /** An answer that comes late moves nobody who is elsewhere by then. */
  function move(to: string) {
    if (wasOpen.current === open) {
      go({ partner: to });
    }
  }

  return (
    <>
      <PartnerList
        caller={caller}
        open={open}
        version={version}
        told={
          deleted?.tellings === tellings
            ? `${deleted.partner.companyName} has been deleted.`
            : latest
        }
        heading={heading}
      />
      {open !== "" && (
        <PartnerPanel
          key={open}
          caller={caller}
          id={open}
          version={version}
          unsaved={unsaved}
          onChange={onChange}
          onAdd={({ id }) => move(id)}
          onDelete={(partner) => {
            setDeleted({ partner, tellings });
            move("");
          }}
          onUse={onUse}
          go={go}
        />
      )}
    </>
  );
}

interface PartnerListProps {
  readonly caller: Caller;
  readonly open: string;
  readonly version: string;
  readonly told: string;
  readonly heading: { readonly current: HTMLHeadingElement | null };
}

/** The partners of the book, the newest first. */
function PartnerList({ caller, open, version, told, heading }: PartnerListProps) {
  const [most, setMost] = useState(step);
  const [text, setText] = useState("");
  const list = useLoaded(() => readBook(caller, most, text), `${version} ${most} ${text}`);
  const isOwn = caller.requester === caller.target;
  return (
    <section class="panel book" aria-labelledby="book-heading">
      <header>
        <h2 id="book-heading" tabIndex={-1} ref={heading}>
          Partners in the book of {organizationName(caller.target)}
          {list.value !== undefined && <span class="badge">{list.value.total}</span>}
        </h2>
        <div class="bar">
          <input
            type="search"
            aria-label="Search by name or e-mail"
            placeholder="Name or e-mail"
            value={text}
            maxLength={255}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
          {isOwn && (
            <a class="button primary" href="#Book/new">
              Add a partner
            </a>
          )}
        </div>
      </header>
      <p class="hint" role="status">
        {told}
      </p>
      {list.failure !== "" && (
        <div class="notice" role="status">
          <p>The book cannot be shown. {list.failure}</p>
          <button
            type="button"
            onClick={() => {
              heading.current?.focus();
              list.retry();
            }}
          >
            Try again
          </button>
        </div>
      )}
      {list.value?.total === 0 && <p class="hint">{whyEmpty(text, isOwn)}</p>}
      <ul class="rows">
        {list.value?.partners.map((partner) => (
          <li key={partner.id} class={partner.id === open ? "chosen" : ""}>
            <PartnerSummary partner={partner} />
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

function whyEmpty(text: string, isOwn: boolean): string {
  if (text !== "") {
    return "No partner's name or e-mail address has that in it.";
  }
  return isOwn ? "The book is empty. Add a partner." : "The book is empty.";
}

/** Reads the newest partners of a book. */
async function readBook(caller: Caller, most: number, text: string) {
  const partners: Partner[] = [];
  let pageToken = "";
  let total = 0;
  do {
    const page = await partnersAs(caller).listPartners({
      pageSize: Math.min(100, most - partners.length),
      pageToken,
      filters: text === "" ? {} : { text },
      includeTotalSize: pageToken === "",
      order: { field: PartnerOrderField.CREATED_AT, direction: OrderDirection.DESCENDING },
    });
    partners.push(...page.partners);
    total = page.totalSize ?? total;
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && partners.length < most);
  return { partners, total };
}

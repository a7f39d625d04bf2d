import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { useEffect, useState } from "preact/hooks";
import {
  InvitationStatus,
  type Partner,
  PartnerTypeSchema,
} from "../../gen/partner/v1/partner_pb.ts";
import {
  OrderDirection,
  PartnerOrderField,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import type { CallerChoice } from "./app.tsx";
import { callHeaders } from "./call.ts";
import { useLiveBook } from "./live-book.ts";
import { Scroller } from "./scroller.tsx";

const pageSize = 10;
const partners = createClient(PartnerService, createConnectTransport({ baseUrl: location.origin }));

interface BookProps {
  readonly choice: CallerChoice;
  /** How many calls have changed a book so far: the list is read anew when it grows. */
  readonly writes: number;
  readonly onUse: (partner: Partner) => void;
}

interface Page {
  readonly partners: readonly Partner[];
  readonly nextPageToken: string;
  readonly total: number;
}

/** The partners in the target's book, the newest first, as far as the caller may read it. */
export function Book({ choice, writes, onUse }: BookProps) {
  const { caller, targetName } = choice;
  const [page, setPage] = useState<Page>();
  const [failure, setFailure] = useState("");
  const { tellings, latest } = useLiveBook(caller);

  async function read(pageToken: string): Promise<Page | undefined> {
    if (caller === undefined) {
      return undefined;
    }
    const answer = await partners.listPartners(
      {
        pageSize,
        pageToken,
        includeTotalSize: true,
        order: { field: PartnerOrderField.CREATED_AT, direction: OrderDirection.DESCENDING },
      },
      { headers: callHeaders(caller) },
    );
    const { nextPageToken, totalSize = 0 } = answer;
    return { partners: answer.partners, nextPageToken, total: totalSize };
  }

  // The caller, the writes and what others change are what the list depends on.
  useEffect(() => {
    let current = true;
    read("").then(
      (first) => {
        if (current) {
          setPage(first);
          setFailure("");
        }
      },
      (reason: unknown) => {
        if (current) {
          setPage(undefined);
          setFailure(ConnectError.from(reason).rawMessage);
        }
      },
    );
    return () => {
      current = false;
    };
  }, [caller, writes, tellings]);

  async function readMore({ partners: known, nextPageToken }: Page) {
    try {
      const next = await read(nextPageToken);
      setPage(next && { ...next, partners: [...known, ...next.partners] });
    } catch (reason) {
      setFailure(ConnectError.from(reason).rawMessage);
    }
  }

  return (
    <section class="panel book" aria-labelledby="book-heading">
      <header>
        <h2 id="book-heading">Partners in the book{targetName && ` of ${targetName}`}</h2>
        {page !== undefined && <p class="badge">{page.total}</p>}
      </header>
      <p class="hint" role="status">
        {latest}
      </p>
      {failure !== "" && (
        <p class="notice" role="status">
          The book stays closed: {failure}
        </p>
      )}
      {page?.partners.length === 0 && <p class="hint">The book is empty. Create a partner.</p>}
      {page !== undefined && page.partners.length > 0 && (
        <PartnerTable partners={page.partners} onUse={onUse} />
      )}
      {page !== undefined && page.nextPageToken !== "" && (
        <button type="button" onClick={() => readMore(page)}>
          Show more
        </button>
      )}
    </section>
  );
}

interface PartnerTableProps {
  readonly partners: readonly Partner[];
  readonly onUse: (partner: Partner) => void;
}

function PartnerTable({ partners, onUse }: PartnerTableProps) {
  return (
    <Scroller label="Partners">
      <table>
        <thead>
          <tr>
            <th scope="col">Company</th>
            <th scope="col">Type</th>
            <th scope="col" class="number">
              Sales
            </th>
            <th scope="col">Invitation</th>
            <th scope="col">
              <span class="visually-hidden">Action</span>
            </th>
            <th scope="col">Id</th>
            <th scope="col">Etag</th>
          </tr>
        </thead>
        <tbody>
          {partners.map((partner) => (
            <tr key={partner.id}>
              <th scope="row">{partner.companyName}</th>
              <td>{PartnerTypeSchema.value[partner.partnerType]?.localName.toLowerCase()}</td>
              <td class="number">{partner.salesAmount?.toLocaleString("en")}</td>
              <td>
                <Invitation status={partner.invitationStatus} />
              </td>
              <td>
                <button type="button" class="quiet" onClick={() => onUse(partner)}>
                  Use<span class="visually-hidden"> {partner.companyName} in the forms</span>
                </button>
              </td>
              <td class="code">{partner.id}</td>
              <td class="code">{partner.etag}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

function Invitation({ status }: { status: InvitationStatus }) {
  const accepted = status === InvitationStatus.ACCEPTED;
  return (
    <span class={accepted ? "tag read" : "tag plain"}>{accepted ? "accepted" : "invited"}</span>
  );
}

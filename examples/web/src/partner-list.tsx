import { useInfiniteQuery } from "@connectrpc/connect-query";
import {
  InvitationStatusSchema,
  nameOf,
  OrderDirection,
  type Partner,
  PartnerOrderField,
  PartnerService,
} from "@partner-service/client";
import { keepPreviousData } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { textOf } from "./error-text.ts";

const newestFirst = {
  field: PartnerOrderField.CREATED_AT,
  direction: OrderDirection.DESCENDING,
};

interface Actions {
  onEdit: (partner: Partner) => void;
  onInvite: (partner: Partner) => void;
}

export function PartnerList({ onEdit, onInvite }: Actions) {
  const [search, setSearch] = useState("");
  const text = useSettled(search.trim(), 200);
  const list = useInfiniteQuery(
    PartnerService.method.listPartners,
    { pageToken: "", order: newestFirst, filters: text === "" ? {} : { text } },
    {
      pageParamKey: "pageToken",
      getNextPageParam: ({ nextPageToken }) => nextPageToken || undefined,
      placeholderData: keepPreviousData,
    },
  );
  const partners = list.data?.pages.flatMap((page) => page.partners) ?? [];

  return (
    <section aria-label="Partners">
      <input
        type="search"
        aria-label="Search"
        placeholder="Name or e-mail address"
        maxLength={100}
        value={search}
        onChange={({ target }) => setSearch(target.value)}
      />
      {list.isPaused && <p role="status">You are offline. The list is read once you are back.</p>}
      {list.error && (
        <p role="alert">
          {textOf(list.error)}{" "}
          <button type="button" onClick={() => list.refetch()}>
            Try again
          </button>
        </p>
      )}
      <ul aria-busy={list.isFetching}>
        {partners.map((partner) => (
          <Row key={partner.id} partner={partner} onEdit={onEdit} onInvite={onInvite} />
        ))}
      </ul>
      {list.isSuccess && partners.length === 0 && <p>There is no such partner.</p>}
      {list.hasNextPage && (
        <More isLoading={list.isFetchingNextPage} onMore={() => list.fetchNextPage()} />
      )}
    </section>
  );
}

function Row({ partner, onEdit, onInvite }: Actions & { partner: Partner }) {
  const status = nameOf(InvitationStatusSchema, partner.invitationStatus) ?? "";
  return (
    <li>
      <strong>{partner.companyName}</strong>
      <span>
        {partner.city}, {status.toLowerCase()}
      </span>
      <button type="button" onClick={() => onEdit(partner)}>
        Edit <span className="spoken">{partner.companyName}</span>
      </button>
      <button type="button" onClick={() => onInvite(partner)}>
        Invite <span className="spoken">{partner.companyName}</span>
      </button>
    </li>
  );
}

/** The end of the list: what is beyond it is loaded when it comes into view, or by hand. */
function More({ isLoading, onMore }: { isLoading: boolean; onMore: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (button.current === null || isLoading) {
      return;
    }
    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) {
        onMore();
      }
    });
    observer.observe(button.current);
    return () => observer.disconnect();
  });
  return (
    <button ref={button} type="button" disabled={isLoading} onClick={onMore}>
      {isLoading ? "Loading…" : "More"}
    </button>
  );
}

/** A value once it has not changed for a while. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

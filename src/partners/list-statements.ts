import type { Statement } from "@partner-service/postgres-statements";
import type { Partner } from "./partner-entity.ts";

/** How many entries a page holds, where the caller does not say. */
export const defaultPageSize = 20;

/** The columns that lists are ordered by, and how each is compared. `id` is the creation order. */
export const orderColumns = {
  id: { type: "uuid", property: "id" },
  company_name: { type: "text", property: "companyName" },
  sales_amount: { type: "int4", property: "salesAmount" },
  partner_type: { type: "text", property: "partnerType" },
  email: { type: "text", property: "email" },
  frequency: { type: "text", property: "frequency" },
  payment_terms: { type: "text", property: "paymentTerms" },
} as const satisfies Record<string, { readonly type: string; readonly property: keyof Partner }>;

export type OrderColumn = keyof typeof orderColumns;

/** The columns that lists are filtered by, and how each is compared. */
const filterColumns = {
  partner_type: "text",
  id: "uuid",
  invitation_status: "text",
  external_id: "text",
  company_registration_number: "text",
} as const;

type FilterColumn = keyof typeof filterColumns;

/** A place in a list: that of the partner with this value in the order's column, and this id. */
export type ListPosition = {
  readonly value: string | number;
  readonly id: string;
};

export interface ListQuery {
  readonly organizationId: string;
  /** What the columns may be; an empty list does not narrow. */
  readonly anyOf: Readonly<Partial<Record<FilterColumn, readonly string[]>>>;
  /** What the name or the e-mail address has in it; undefined does not narrow. */
  readonly text: string | undefined;
  readonly orderBy: OrderColumn;
  readonly descending: boolean;
  /** The last partner of the page before; undefined: the first page. */
  readonly after: ListPosition | undefined;
  readonly pageSize: number;
  readonly countAll: boolean;
}

/**
 * The statement for a page, and one partner more if there is one. It starts behind the last partner
 * of the page before instead of counting off rows: page 1,000 costs what page 1 costs, and partners
 * that come or go meanwhile push none over a page's edge.
 */
export function pageStatement(table: string, selection: string, listQuery: ListQuery): Statement {
  const { orderBy, descending, after, pageSize } = listQuery;
  const { conditions, values, bind } = filterConditions(listQuery);
  const direction = descending ? "desc" : "asc";
  const byId = orderBy === "id";
  const wholeBook = values.length === 1;
  if (wholeBook && pageSize === defaultPageSize) {
    if (byId) {
      return creationStatement(table, selection, listQuery);
    }
    if (orderBy === "company_name" && !descending) {
      return nameStatement(table, selection, listQuery);
    }
  }
  if (after !== undefined) {
    const beyond = descending ? "<" : ">";
    const id = `${bind(after.id)}::uuid`;
    conditions.push(
      byId
        ? `id ${beyond} ${id}`
        : `(${orderBy}, id) ${beyond} (${bind(after.value)}::${orderColumns[orderBy].type}, ${id})`,
    );
  }
  const order = byId ? `id ${direction}` : `${orderBy} ${direction}, id ${direction}`;
  const text = `select ${selection} from ${table} where ${conditions.join(" and ")}
    order by ${order} limit ${bind(pageSize + 1)}`;
  return { text, values };
}

/** Less and greater than every id that is given to a partner. */
const endsOfBook = {
  asc: "00000000-0000-0000-0000-000000000000",
  desc: "ffffffff-ffff-ffff-ffff-ffffffffffff",
} as const;

/**
 * The statement for what most callers ask for: a page of the whole book in the order of creation. It
 * is prepared, for to parse and plan it takes longer than to run it. The server keeps one plan for
 * all books, since the limit stands in the text, and that plan must be by the primary key. `is true`
 * sees to it: without it the server knows that the index of names holds all partners that are not
 * deleted, and where most books are small, it would rather look there and sort them; in one book of
 * a million as well.
 */
function creationStatement(
  table: string,
  selection: string,
  { organizationId, descending, after, pageSize }: ListQuery,
): Statement {
  const [direction, beyond] = descending ? (["desc", "<"] as const) : (["asc", ">"] as const);
  const text = `select ${selection} from ${table}
    where organization_id = $1 and id ${beyond} $2 and (deleted_at is null) is true
    order by id ${direction} limit ${pageSize + 1}`;
  const values = [organizationId, after?.id ?? endsOfBook[direction]];
  return { name: `list-partners-${direction}`, text, values };
}

/** Before every name: none is empty. */
const beforeFirstName: ListPosition = { value: "", id: endsOfBook.asc };

/**
 * The statement for a page of the whole book from A to Z, prepared likewise. That it says behind
 * which partner it starts, on the first page too, makes the index of names the best for all books.
 */
function nameStatement(
  table: string,
  selection: string,
  { organizationId, after = beforeFirstName, pageSize }: ListQuery,
): Statement {
  const text = `select ${selection} from ${table}
    where organization_id = $1 and (company_name, id) > ($2, $3) and deleted_at is null
    order by company_name, id limit ${pageSize + 1}`;
  return { name: "list-partners-by-name", text, values: [organizationId, after.value, after.id] };
}

export function countStatement(table: string, listQuery: ListQuery): Statement {
  const { conditions, values } = filterConditions(listQuery);
  const text = `select count(*) as count from ${table} where ${conditions.join(" and ")}`;
  return { text, values };
}

function filterConditions({ organizationId, anyOf, text }: ListQuery) {
  const values: unknown[] = [organizationId];
  const conditions = ["organization_id = $1", "deleted_at is null"];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  for (const [column, wanted] of filtersOf(anyOf)) {
    conditions.push(`${column} = any(${bind(wanted)}::${filterColumns[column]}[])`);
  }
  if (text !== undefined) {
    const pattern = bind(`%${text.replace(/[\\%_]/g, "\\$&")}%`);
    conditions.push(`(company_name ilike ${pattern} or email ilike ${pattern})`);
  }
  return { conditions, values, bind };
}

/**
 * Whether a list may read all of a book: no index has its partners next to each other, in its order. So
 * it is with a text or a filter of which few partners may be, with most orders, and with a count.
 */
export function isScan({ anyOf, text, orderBy, countAll }: ListQuery): boolean {
  const columns = filtersOf(anyOf).map(([column]) => column);
  if (columns.includes("id") || columns.includes("external_id")) {
    return false;
  }
  const isWholeBook = columns.length === 0 && text === undefined;
  const isInIndex = orderBy === "id" || orderBy === "company_name";
  return countAll || !isWholeBook || !isInIndex;
}

function filtersOf(anyOf: ListQuery["anyOf"]) {
  // The type has no other columns than these.
  const filters = Object.entries(anyOf) as [FilterColumn, readonly string[]][];
  return filters.filter(([, wanted]) => wanted.length > 0);
}

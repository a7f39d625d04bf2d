import {
  type CheckedRow,
  type Columns,
  type Fate,
  type FieldName,
  fateText,
  problemText,
  type Table,
  writeRows,
} from "@partner-service/partner-import";
import { useState } from "preact/hooks";
import { type PartnerType, PartnerTypeSchema } from "../../gen/partner/v1/partner_pb.ts";
import type { ImportRun } from "./import-run.ts";
import { Scroller } from "./scroller.tsx";

interface ImportRowsProps {
  readonly section: { current: HTMLElement | null };
  readonly table: Table;
  readonly columns: Columns;
  /** The file's. */
  readonly name: string;
  readonly run: ImportRun;
  readonly onCreate: () => void;
  readonly onStop: () => void;
}

type Kind = Fate["kind"];

const kindLabels: Readonly<Record<Kind, string>> = {
  refused: "refused",
  new: "can be created",
  created: "created",
  present: "already there",
  repeated: "the same as another row",
};
const kinds = Object.keys(kindLabels) as readonly Kind[];

/** How many rows are shown at once. */
const pageRows = 50;

/** What becomes of each row, beside its cells. */
export function ImportRows(props: ImportRowsProps) {
  const { section, table, columns, name, run, onCreate, onStop } = props;
  const [shown, setShown] = useState<Kind>();
  const [page, setPage] = useState(0);
  const counts = new Map(kinds.map((kind) => [kind, 0]));
  for (const { fate } of run.rows) {
    counts.set(fate.kind, (counts.get(fate.kind) ?? 0) + 1);
  }
  const kind = shown !== undefined && counts.get(shown) === 0 ? undefined : shown;
  const matching =
    kind === undefined ? run.rows : run.rows.filter(({ fate }) => fate.kind === kind);
  const lastPage = Math.max(0, Math.ceil(matching.length / pageRows) - 1);
  const from = Math.min(page, lastPage) * pageRows;
  const visible = matching.slice(from, from + pageRows);
  const fresh = counts.get("new") ?? 0;
  const isBusy = run.stage === "checking" || run.stage === "creating";

  return (
    <section
      class="panel import-rows"
      aria-labelledby="rows-heading"
      tabIndex={-1}
      ref={(element) => {
        section.current = element;
      }}
    >
      <h2 id="rows-heading">What becomes of the rows</h2>
      {isBusy && (
        <div class="actions">
          <label>
            {run.stage === "checking" ? "Checked" : "Created"} {count(run.done)} of{" "}
            {count(run.total)}
            <progress value={run.done} max={run.total} />
          </label>
          <button type="button" onClick={onStop}>
            Stop
          </button>
        </div>
      )}
      {run.failure !== "" && (
        <p class="notice" role="alert">
          Stopped: {run.failure} Check again to go on; what is there is not created twice.
        </p>
      )}
      <p role="status" class="hint">
        {!isBusy && summarize(run, counts)}
      </p>
      {!isBusy && (
        <div class="actions">
          {run.stage === "checked" && fresh > 0 && (
            <button type="button" class="primary" onClick={onCreate}>
              Create {count(fresh, "partner")}
            </button>
          )}
          {run.rows.some(({ fate }) => fate.kind === "refused") && (
            <button type="button" onClick={() => download(table, run.rows, name)}>
              Download the rows that were refused
            </button>
          )}
        </div>
      )}
      <fieldset class="import-kinds">
        <legend class="visually-hidden">Rows to show</legend>
        {[undefined, ...kinds.filter((one) => (counts.get(one) ?? 0) > 0)].map((one) => (
          <label key={one ?? "all"}>
            <input
              type="radio"
              name="import-kind"
              checked={kind === one}
              onChange={() => {
                setShown(one);
                setPage(0);
              }}
            />
            {one === undefined ? "all" : kindLabels[one]}{" "}
            {count(one === undefined ? run.rows.length : (counts.get(one) ?? 0))}
          </label>
        ))}
      </fieldset>
      <Scroller label="Rows of the file">
        <table class="import-table">
          <thead>
            <tr>
              <th scope="col">Row</th>
              <th scope="col">Fate</th>
              {columns.map((field, index) =>
                field === undefined ? undefined : <th scope="col">{table.header[index]}</th>,
              )}
            </tr>
          </thead>
          <tbody>
            {visible.map((checked) => (
              <Row key={checked.row.number} checked={checked} columns={columns} />
            ))}
          </tbody>
        </table>
      </Scroller>
      {lastPage > 0 && (
        <div class="actions">
          <button type="button" disabled={from === 0} onClick={() => setPage(from / pageRows - 1)}>
            Previous
          </button>
          <span>
            {count(from + 1)}–{count(from + visible.length)} of {count(matching.length)}
          </span>
          <button
            type="button"
            disabled={from / pageRows >= lastPage}
            onClick={() => setPage(from / pageRows + 1)}
          >
            Next
          </button>
        </div>
      )}
    </section>
  );
}

interface RowProps {
  readonly checked: CheckedRow;
  readonly columns: Columns;
}

function Row({ checked: { row, partner, fate }, columns }: RowProps) {
  const problems = fate.kind === "refused" ? fate.problems : [];
  return (
    <tr>
      <th scope="row">{row.number}</th>
      <td class={`fate ${fate.kind}`}>
        {fate.kind === "refused"
          ? problems.map((problem) => <p key={problemText(problem)}>{problemText(problem)}</p>)
          : fateText(fate)}
      </td>
      {columns.map((field, index) =>
        field === undefined ? undefined : (
          <td class={problems.some((problem) => problem.field === field) ? "wrong" : ""}>
            {row.cells[index]}
            <Reading cell={row.cells[index] ?? ""} field={field} value={partner[field]} />
          </td>
        ),
      )}
    </tr>
  );
}

interface ReadingProps {
  readonly cell: string;
  readonly field: FieldName;
  readonly value: string | number | undefined;
}

/** What a cell has been read as, where it says so in another way. */
function Reading({ cell, field, value }: ReadingProps) {
  const isRead = ["salesAmount", "partnerType", "countryCode", "state"].includes(field);
  const text = field === "partnerType" ? typeText(value) : String(value ?? "");
  const isOther = text.toLowerCase() !== cell.trim().toLowerCase();
  return isRead && text !== "" && isOther ? <small>→ {text}</small> : null;
}

function typeText(value: string | number | undefined): string {
  const type = PartnerTypeSchema.values.find(({ number }) => number === (value as PartnerType));
  return type?.localName.toLowerCase() ?? "";
}

function summarize(run: ImportRun, counts: ReadonlyMap<Kind, number>): string {
  const told = kinds
    .filter((kind) => (counts.get(kind) ?? 0) > 0)
    .map((kind) => `${count(counts.get(kind) ?? 0)} ${kindLabels[kind]}`);
  return `${count(run.rows.length, "row")}: ${told.join(", ")}.`;
}

/** A number, and of what. */
export function count(number: number, noun = ""): string {
  const digits = number.toLocaleString("en");
  return noun === "" ? digits : `${digits} ${noun}${number === 1 ? "" : "s"}`;
}

/** Gives the refused rows as a file that can be corrected and imported again. */
function download(table: Table, rows: readonly CheckedRow[], name: string): void {
  const refused = rows.filter(({ fate }) => fate.kind === "refused");
  const text = writeRows(
    table,
    refused.map(({ row, fate }) => ({ row, reason: fateText(fate) })),
  );
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name.replace(/(\.\w+)?$/, (extension) => `.failed${extension || ".csv"}`);
  link.click();
  // The download may begin a while after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

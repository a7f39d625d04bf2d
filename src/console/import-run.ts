import { createConnectTransport } from "@connectrpc/connect-web";
import {
  type CheckedRow,
  checkRows,
  createRows,
  type ImportSettings,
  type Table,
} from "@partner-service/partner-import";
import { useEffect, useRef, useState } from "preact/hooks";
import { createPartnerClient } from "../../packages/client/src/index.ts";
import type { Caller } from "./caller.ts";
import { failureText } from "./failure-text.ts";

/** How far the import of a table has come. */
export interface ImportRun {
  readonly stage: "idle" | "checking" | "checked" | "creating" | "done";
  /** The rows whose fate is known, in their order. */
  readonly rows: readonly CheckedRow[];
  /** How many rows the stage has dealt with, and of how many. */
  readonly done: number;
  readonly total: number;
  /** Why it was interrupted, for a person; else empty. */
  readonly failure: string;
}

const idle: ImportRun = { stage: "idle", rows: [], done: 0, total: 0, failure: "" };

/** Checks and creates the rows of a table, until it is told to stop or the component has gone. */
export function useImportRun(caller: Caller, onChange: () => void) {
  const [run, setRun] = useState(idle);
  // What a later one, or nobody, waits for goes no further.
  const latest = useRef(0);
  useEffect(
    () => () => {
      latest.current += 1;
    },
    [caller],
  );

  /** @returns whether it came to its end */
  async function follow(
    stages: AsyncIterable<readonly CheckedRow[]>,
    take: (rows: readonly CheckedRow[]) => void,
  ): Promise<boolean> {
    latest.current += 1;
    const own = latest.current;
    try {
      for await (const rows of stages) {
        take(rows);
        if (latest.current !== own) {
          return false;
        }
      }
    } catch (error) {
      if (latest.current === own) {
        setRun((known) => ({ ...known, failure: failureText(error) }));
      }
      return false;
    }
    return latest.current === own;
  }

  async function check(table: Table, settings: ImportSettings): Promise<void> {
    setRun({ ...idle, stage: "checking", total: table.rows.length });
    const isWhole = await follow(checkRows(partnersOf(caller), table, settings), (rows) => {
      setRun((known) => ({
        ...known,
        rows: [...known.rows, ...rows],
        done: known.done + rows.length,
      }));
    });
    setRun((known) => ({ ...known, stage: isWhole ? "checked" : "idle" }));
  }

  async function create(): Promise<void> {
    const wanted = run.rows.filter(({ fate }) => fate.kind === "new");
    setRun({ ...run, stage: "creating", done: 0, total: wanted.length, failure: "" });
    await follow(createRows(partnersOf(caller), wanted), (rows) => {
      const created = new Map(rows.map((checked) => [checked.row, checked]));
      setRun((known) => ({
        ...known,
        rows: known.rows.map((checked) => created.get(checked.row) ?? checked),
        done: known.done + rows.length,
      }));
      onChange();
    });
    setRun((known) => ({ ...known, stage: "done" }));
  }

  function stop(): void {
    latest.current += 1;
  }

  function reset(): void {
    stop();
    setRun(idle);
  }

  return { run, check, create, stop, reset };
}

/** The client that repeats what fails for a reason that passes. */
function partnersOf({ requester, target, token }: Caller) {
  return createPartnerClient({
    transport: createConnectTransport({ baseUrl: location.origin }),
    token,
    organization: requester,
    target,
  });
}

import {
  type Columns,
  type FieldName,
  guessColumns,
  missingFields,
  type Table,
} from "@partner-service/partner-import";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Caller } from "./caller.ts";
import { ImportColumns } from "./import-columns.tsx";
import { ImportRows } from "./import-rows.tsx";
import { useImportRun } from "./import-run.ts";
import { ImportSource } from "./import-source.tsx";
import { organizationName } from "./organizations.ts";

interface ImportPageProps {
  readonly caller: Caller;
  readonly onChange: () => void;
}

interface Source {
  readonly name: string;
  readonly table: Table;
  readonly columns: Columns;
  readonly defaults: Readonly<Partial<Record<FieldName, string>>>;
}

/** Brings a file or a pasted table into the book: what its columns hold, what would become of each row, the import. */
export function ImportPage({ caller, onChange }: ImportPageProps) {
  const [source, setSource] = useState<Source>();
  const { run, check, create, stop, reset } = useImportRun(caller, onChange);
  const isBusy = run.stage === "checking" || run.stage === "creating";
  const result = useRef<HTMLElement>(null);

  // Whoever has pressed Check reads on at what comes of it.
  useLayoutEffect(() => {
    if (run.stage === "checking") {
      result.current?.focus();
    }
  }, [run.stage]);

  if (caller.requester !== caller.target) {
    return (
      <p class="panel hint">
        Only {organizationName(caller.target)} itself may bring partners into its book.
      </p>
    );
  }

  function change(changed: Source | undefined) {
    reset();
    setSource(changed);
  }

  return (
    <>
      <ImportSource
        book={organizationName(caller.target)}
        name={source?.name}
        isBusy={isBusy}
        onTable={(name, table) =>
          change({ name, table, columns: guessColumns(table), defaults: source?.defaults ?? {} })
        }
      />
      {source !== undefined && (
        <ImportColumns
          table={source.table}
          columns={source.columns}
          defaults={source.defaults}
          missing={missingFields(source.columns, source.defaults)}
          isBusy={isBusy}
          onColumns={(columns) => change({ ...source, columns })}
          onDefaults={(defaults) => change({ ...source, defaults })}
          onCheck={() => check(source.table, source)}
        />
      )}
      {source !== undefined && run.total > 0 && (
        <ImportRows
          key={source.name}
          section={result}
          table={source.table}
          columns={source.columns}
          name={source.name}
          run={run}
          onCreate={create}
          onStop={stop}
        />
      )}
    </>
  );
}

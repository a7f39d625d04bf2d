import {
  decodeTable,
  greatestTableBytes,
  readTable,
  type Table,
  TableError,
} from "@partner-service/partner-import";
import { useState } from "preact/hooks";

interface ImportSourceProps {
  /** Whose book it is, for a person. */
  readonly book: string;
  /** The table that was taken last. */
  readonly name: string | undefined;
  readonly isBusy: boolean;
  readonly onTable: (name: string, table: Table) => void;
}

/** Takes a file, or what was copied from a spreadsheet. */
export function ImportSource({ book, name, isBusy, onTable }: ImportSourceProps) {
  const [failure, setFailure] = useState("");

  async function take(source: string, read: () => Promise<string>) {
    try {
      onTable(source, readTable(await read()));
      setFailure("");
    } catch (error) {
      // Besides what a table can be wrong in, the file may have been moved since it was chosen.
      setFailure(error instanceof TableError ? error.message : "The file cannot be read.");
    }
  }

  async function readFile(file: File): Promise<string> {
    if (file.size > greatestTableBytes) {
      throw new TableError(`The file is longer than ${greatestTableBytes / 1024 / 1024} MiB.`);
    }
    return decodeTable(new Uint8Array(await file.arrayBuffer()));
  }

  return (
    <section class="panel" aria-labelledby="import-heading">
      <h2 id="import-heading">Import partners into the book of {book}</h2>
      <p class="hint">
        A CSV or TSV file with headings, as an ERP or a spreadsheet writes it. Nothing is created
        before you have seen what would become of each row, and no row is created twice.
      </p>
      <div class="import-source">
        <label class="stacked">
          File
          <input
            type="file"
            accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values"
            disabled={isBusy}
            onChange={({ currentTarget }) => {
              const [file] = currentTarget.files ?? [];
              if (file !== undefined) {
                take(file.name, () => readFile(file));
              }
            }}
          />
        </label>
        <label class="stacked">
          Or paste a table here
          <textarea
            class="code"
            rows={2}
            disabled={isBusy}
            placeholder="Company;Sales;…"
            onInput={({ currentTarget }) => {
              const { value } = currentTarget;
              if (value.trim() !== "") {
                take("pasted.csv", async () => value);
              }
            }}
          />
        </label>
      </div>
      {failure !== "" && (
        <p class="notice" role="alert">
          {failure}
        </p>
      )}
      {failure === "" && name !== undefined && <p role="status">{name} has been read.</p>}
    </section>
  );
}

import {
  type Columns,
  type FieldName,
  fieldNamed,
  fieldNames,
  fields,
  type Table,
} from "@partner-service/partner-import";
import { count } from "./import-rows.tsx";
import { Scroller } from "./scroller.tsx";

type Defaults = Readonly<Partial<Record<FieldName, string>>>;

interface ImportColumnsProps {
  readonly table: Table;
  readonly columns: Columns;
  readonly defaults: Defaults;
  /** The fields that nothing gives. */
  readonly missing: readonly FieldName[];
  readonly isBusy: boolean;
  readonly onColumns: (columns: Columns) => void;
  readonly onDefaults: (defaults: Defaults) => void;
  readonly onCheck: () => void;
}

const samples = 3;
/** More columns than an export has are not offered. */
const mostColumns = 200;

/** Says which field each column holds, and what rows have that have no value. */
export function ImportColumns(props: ImportColumnsProps) {
  const { table, columns, defaults, missing, isBusy, onColumns, onDefaults, onCheck } = props;
  const isUnread = (field: FieldName) => fields[field].isRequired && !columns.includes(field);
  const given = fieldNames.filter((field) => isUnread(field) && field !== "state");
  return (
    <section class="panel" aria-labelledby="columns-heading">
      <h2 id="columns-heading">What the columns hold</h2>
      <Scroller label="Columns of the file">
        <table class="import-columns">
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Holds</th>
              <th scope="col">Such as</th>
            </tr>
          </thead>
          <tbody>
            {table.header.slice(0, mostColumns).map((heading, index) => (
              <tr key={index}>
                <th scope="row">{heading}</th>
                <td>
                  <select
                    aria-label={`What ${heading} holds`}
                    value={columns[index] ?? ""}
                    disabled={isBusy}
                    onChange={({ currentTarget }) =>
                      onColumns(columns.with(index, fieldNamed(currentTarget.value)))
                    }
                  >
                    <option value="">not imported</option>
                    {fieldNames.map((field) => (
                      <option key={field} value={field}>
                        {fields[field].name}
                      </option>
                    ))}
                  </select>
                </td>
                <td>
                  {table.rows
                    .slice(0, samples)
                    .map(({ cells }) => cells[index]?.trim() ?? "")
                    .filter((cell) => cell !== "")
                    .join(" · ")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
      {given.length > 0 && (
        <fieldset class="import-defaults" disabled={isBusy}>
          <legend>No column holds these: what do all rows have?</legend>
          {given.map((field) => (
            <label key={field} class="stacked">
              {fields[field].name}
              <input
                type="text"
                value={defaults[field] ?? ""}
                onInput={({ currentTarget }) =>
                  onDefaults({ ...defaults, [field]: currentTarget.value })
                }
              />
            </label>
          ))}
        </fieldset>
      )}
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled={isBusy || missing.length > 0}
          onClick={onCheck}
        >
          Check {count(table.rows.length, "row")}
        </button>
        <p class="hint" role="status">
          {missing.length > 0 &&
            `Not yet: nothing says what ${missing.map((field) => fields[field].name).join(", ")} is.`}
        </p>
      </div>
    </section>
  );
}

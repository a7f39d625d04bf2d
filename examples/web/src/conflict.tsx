import { nameOf, type Partner, PartnerTypeSchema } from "@partner-service/client";
import { fieldNames, labels, type PartnerValues } from "./partner-form.tsx";

interface ConflictProps {
  /** What was sent. */
  mine: Partial<PartnerValues> | undefined;
  /** What is there now. */
  theirs: Partner;
  onKeepMine: () => void;
  onTakeTheirs: () => void;
}

/** Somebody else has saved in between: the person decides. */
export function Conflict({ mine, theirs, onKeepMine, onTakeTheirs }: ConflictProps) {
  return (
    <div role="alert">
      <p>Somebody else has saved this partner in between. Nothing of yours is saved yet.</p>
      <table>
        <thead>
          <tr>
            <th>Field</th>
            <th>Yours</th>
            <th>Theirs</th>
          </tr>
        </thead>
        <tbody>
          {fieldNames
            .filter((name) => mine?.[name] !== theirs[name])
            .map((name) => (
              <tr key={name}>
                <th>{labels[name]}</th>
                <td>{shown(mine, name)}</td>
                <td>{shown(theirs, name)}</td>
              </tr>
            ))}
        </tbody>
      </table>
      <p>
        <button type="button" onClick={onKeepMine}>
          Go on with mine
        </button>
        <button type="button" onClick={onTakeTheirs}>
          Take theirs
        </button>
      </p>
    </div>
  );
}

function shown(values: Partial<PartnerValues> | undefined, name: keyof PartnerValues) {
  return name === "partnerType"
    ? nameOf(PartnerTypeSchema, values?.partnerType ?? 0)?.toLowerCase()
    : values?.[name];
}

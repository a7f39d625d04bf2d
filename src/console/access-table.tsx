import type { DescMethodUnary } from "@bufbuild/protobuf";
import {
  type Admission,
  admission,
  methods,
  requiredScope,
  type ScenarioName,
  scenarioLabels,
  scenarios,
} from "./contract.ts";
import { Scroller } from "./scroller.tsx";

const marks: Readonly<Record<Admission, { readonly mark: string; readonly text: string }>> = {
  yes: { mark: "✓", text: "allowed" },
  no: { mark: "✕", text: "refused" },
  invited: { mark: "✉", text: "with an invitation" },
};

interface AccessTableProps {
  readonly method: DescMethodUnary;
  readonly scenario: ScenarioName | undefined;
}

/** Who may call what, as the contract declares it; the form's call is marked. */
export function AccessTable({ method, scenario }: AccessTableProps) {
  return (
    <section class="panel access" aria-labelledby="access-heading">
      <h2 id="access-heading">Who may call</h2>
      <Scroller label="Access table">
        <table>
          <thead>
            <tr>
              <th scope="col">RPC, and the scope it needs</th>
              {scenarios.map((name) => (
                <th key={name} scope="col" class={name === scenario ? "mark chosen" : "mark"}>
                  {scenarioLabels[name]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {methods.map((row) => (
              <tr key={row.name} class={row.name === method.name ? "chosen" : ""}>
                <th scope="row">
                  {row.name} <code>{requiredScope(row)}</code>
                </th>
                {scenarios.map((name) => {
                  const { mark, text } = marks[admission(row, name)];
                  return (
                    <td
                      key={name}
                      class={`mark ${admission(row, name)} ${name === scenario ? "chosen" : ""}`}
                    >
                      <span aria-hidden="true">{mark}</span>
                      <span class="visually-hidden">{text}</span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
      <p class="hint">✉ with an invitation of the target's, which is the authority.</p>
    </section>
  );
}

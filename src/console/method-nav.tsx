import type { DescMethodUnary } from "@bufbuild/protobuf";
import { admission, isRead, methods, type ScenarioName } from "./contract.ts";

interface MethodNavProps {
  readonly current: DescMethodUnary;
  readonly scenario: ScenarioName | undefined;
}

/** The RPCs, and which of them the scenario does not admit. */
export function MethodNav({ current, scenario }: MethodNavProps) {
  return (
    <nav class="panel methods" aria-label="RPCs">
      <h2>RPC</h2>
      <ul>
        {methods.map((method) => {
          const refused = scenario !== undefined && admission(method, scenario) === "no";
          return (
            <li key={method.name}>
              <a
                href={`#${method.name}`}
                aria-current={method.name === current.name ? "page" : undefined}
                class={refused ? "refused" : ""}
              >
                <span class={isRead(method) ? "dot read" : "dot"} aria-hidden="true" />
                {method.name}
                {refused && <small>not as {scenario}</small>}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

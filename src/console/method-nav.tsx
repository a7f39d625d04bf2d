import type { DescMethodUnary } from "@bufbuild/protobuf";
import { admission, isRead, methods, type ScenarioName, scenarioLabels } from "./contract.ts";

interface MethodNavProps {
  readonly current: DescMethodUnary;
  readonly scenario: ScenarioName | undefined;
}

/** The RPCs, and which of them the scenario does not admit. */
export function MethodNav({ current, scenario }: MethodNavProps) {
  return (
    <nav class="panel methods" aria-label="RPCs">
      <h2>RPCs</h2>
      <ul>
        {methods.map((method) => (
          <li key={method.name}>
            <a
              href={`#${method.name}`}
              aria-current={method.name === current.name ? "page" : undefined}
            >
              <span class={isRead(method) ? "dot read" : "dot"} aria-hidden="true" />
              {method.name}
              {scenario !== undefined && admission(method, scenario) === "no" && (
                <span
                  class="refused"
                  title={`The service refuses it as ${scenarioLabels[scenario]}`}
                >
                  <span aria-hidden="true">✕</span>
                  <span class="visually-hidden">, refused as {scenarioLabels[scenario]}</span>
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

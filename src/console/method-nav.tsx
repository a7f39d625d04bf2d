import type { DescMethodUnary } from "@bufbuild/protobuf";
import { useRef } from "preact/hooks";
import { admission, isRead, methods, type ScenarioName, scenarioLabels } from "./contract.ts";

interface MethodNavProps {
  readonly current: DescMethodUnary;
  readonly scenario: ScenarioName | undefined;
}

/** The RPCs, and which of them the scenario does not admit. */
export function MethodNav({ current, scenario }: MethodNavProps) {
  const list = useRef<HTMLDetailsElement>(null);
  const summary = useRef<HTMLElement>(null);

  /** On a small screen the list makes room for the form that was picked. */
  function leave() {
    if (list.current !== null && !isWide.matches) {
      list.current.open = false;
      summary.current?.focus();
    }
  }

  return (
    <nav class="panel methods" aria-label="RPCs">
      <details ref={list} open={isWide.matches}>
        <summary ref={summary}>
          <h2>RPCs</h2>
        </summary>
        <ul>
          {methods.map((method) => (
            <li key={method.name}>
              <a
                href={`#${method.name}`}
                onClick={leave}
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
      </details>
    </nav>
  );
}

const isWide = matchMedia("(min-width: 800px)");

import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { useRef, useState } from "preact/hooks";
import { callPrograms } from "./call-programs.ts";
import type { Caller } from "./caller.ts";

interface CodePanelProps {
  readonly method: DescMethodUnary;
  readonly request: JsonObject;
  readonly caller: Caller | undefined;
}

/** The call that the form makes, as code to take along. */
export function CodePanel({ method, request, caller }: CodePanelProps) {
  const [chosen, setChosen] = useState(0);
  const [copied, setCopied] = useState("");
  const tabs = useRef<HTMLDivElement>(null);

  const programs = (token: string) => {
    const { requester, target } = caller ?? { requester: "REQUESTER", target: "TARGET" };
    return callPrograms(method, request, { url: location.origin, token, requester, target });
  };
  const shown = programs("TOKEN");
  const { language, code } = shown[chosen] ?? { language: "", code: "" };

  function choose(index: number) {
    setChosen(index);
    setCopied("");
  }

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
    if (step !== 0) {
      const next = (chosen + step + shown.length) % shown.length;
      choose(next);
      tabs.current?.querySelectorAll("button")[next]?.focus();
    }
  }

  async function copy(from: Caller) {
    try {
      const program = programs(await from.token())[chosen];
      await navigator.clipboard.writeText(program?.code ?? "");
      setCopied("Copied, with the whole token.");
    } catch {
      setCopied("The browser does not allow to copy.");
    }
  }

  return (
    <section class="panel code-panel" aria-labelledby="code-heading">
      <header>
        <h2 id="code-heading">As code</h2>
        <div role="tablist" aria-labelledby="code-heading" ref={tabs}>
          {shown.map(({ language: name }, index) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`tab-${name}`}
              aria-selected={index === chosen}
              aria-controls="code"
              tabIndex={index === chosen ? 0 : -1}
              onClick={() => choose(index)}
              onKeyDown={onKeyDown}
            >
              {name}
            </button>
          ))}
        </div>
        {caller !== undefined && (
          <button type="button" class="quiet" onClick={() => copy(caller)}>
            Copy
          </button>
        )}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard. */}
      <pre id="code" role="tabpanel" aria-labelledby={`tab-${language}`} tabIndex={0}>
        {code}
      </pre>
      <p class="hint" role="status">
        {copied}
      </p>
    </section>
  );
}

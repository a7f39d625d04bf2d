import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { useRef, useState } from "preact/hooks";
import type { Caller } from "./call.ts";
import { curlCommand, typeScriptProgram } from "./snippets.ts";

const languages = [
  { id: "curl", label: "curl", write: curlCommand },
  { id: "typescript", label: "TypeScript", write: typeScriptProgram },
] as const;

interface CodePanelProps {
  readonly method: DescMethodUnary;
  readonly message: Message;
  readonly caller: Caller | undefined;
}

/** The call that the form makes, as code to take along. */
export function CodePanel({ method, message, caller }: CodePanelProps) {
  const [chosen, setChosen] = useState<(typeof languages)[number]>(languages[0]);
  const [copied, setCopied] = useState("");
  const tabs = useRef<HTMLDivElement>(null);
  const shown = caller ?? { token: "TOKEN", requester: "REQUESTER", target: "TARGET" };

  function choose(language: (typeof languages)[number]) {
    setChosen(language);
    setCopied("");
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const next = languages[chosen === languages[0] ? 1 : 0];
      choose(next);
      tabs.current?.querySelector<HTMLElement>(`#tab-${next.id}`)?.focus();
    }
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(chosen.write(method, message, shown));
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
          {languages.map((language) => (
            <button
              key={language.id}
              type="button"
              role="tab"
              id={`tab-${language.id}`}
              aria-selected={language === chosen}
              aria-controls="code"
              tabIndex={language === chosen ? 0 : -1}
              onClick={() => choose(language)}
              onKeyDown={onKeyDown}
            >
              {language.label}
            </button>
          ))}
        </div>
        <button type="button" class="quiet" onClick={copy} disabled={caller === undefined}>
          Copy
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard. */}
      <pre id="code" role="tabpanel" aria-labelledby={`tab-${chosen.id}`} tabIndex={0}>
        {chosen.write(method, message, { ...shown, token: abbreviate(shown.token) })}
      </pre>
      <p class="hint" role="status">
        {copied}
      </p>
    </section>
  );
}

function abbreviate(token: string): string {
  return token.length > 20 ? `${token.slice(0, 8)}…` : token;
}

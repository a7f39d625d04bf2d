import { useEffect, useState } from "preact/hooks";
import type { Caller } from "./call.ts";
import type { ScenarioName } from "./contract.ts";
import { PastedCaller } from "./pasted-caller.tsx";
import { SandboxCaller } from "./sandbox-caller.tsx";
import { isSandbox } from "./tokens.ts";
import { Workbench } from "./workbench.tsx";

/** Who calls, as far as the person has said. */
export interface CallerChoice {
  /** Absent as long as the token or an organization is missing. */
  readonly caller: Caller | undefined;
  /** Absent where the page cannot know how the two organizations stand to each other. */
  readonly scenario: ScenarioName | undefined;
  /** Whose book the call is about, for a person. */
  readonly targetName: string;
}

const nobody: CallerChoice = { caller: undefined, scenario: "self", targetName: "" };

/** The console: who calls, and what. */
export function App() {
  const [sandbox, setSandbox] = useState<boolean>();
  const [choice, setChoice] = useState(nobody);
  useEffect(() => {
    isSandbox().then(setSandbox, () => setSandbox(false));
  }, []);
  return (
    <>
      <a class="skip-link" href="#request">
        Skip to the request
      </a>
      <header class="page-header">
        <h1>
          Partner service <span>console</span>
        </h1>
        <p class="hint">Pick who calls, fill in the form, and see what the service answers.</p>
        {sandbox !== undefined && <p class="badge">{sandbox ? "sandbox" : location.host}</p>}
        <a href="/docs">API reference</a>
      </header>
      <Workbench choice={choice}>
        {sandbox === true && <SandboxCaller onChange={setChoice} />}
        {sandbox === false && <PastedCaller onChange={setChoice} />}
      </Workbench>
    </>
  );
}

import { useMemo, useState } from "preact/hooks";
import type { Caller } from "./caller.ts";
import type { ScenarioName } from "./contract.ts";
import { demoOrganizations, targetOf, uuidPattern } from "./organizations.ts";
import { PastedCaller } from "./pasted-caller.tsx";
import { type Place, usePlace } from "./place.ts";
import { SandboxCaller } from "./sandbox-caller.tsx";
import { createSandboxTokens, isSandbox, type TokenSource } from "./tokens.ts";
import { useLoaded } from "./use-loaded.ts";
import { Workbench } from "./workbench.tsx";

/** Who calls, as far as the person has said. */
export interface CallerChoice {
  /** Absent as long as the token or an organization is missing. */
  readonly caller: Caller | undefined;
  /** Absent where the page cannot know how the two organizations stand to each other. */
  readonly scenario: ScenarioName | undefined;
}

/** The console: who calls, and what. */
export function App() {
  const [place, go] = usePlace();
  const sandbox = useLoaded(isSandbox, "");
  const [pasted, setPasted] = useState("");
  const [changes, setChanges] = useState(0);
  const onChange = () => setChanges((count) => count + 1);
  const minted = useMemo(createSandboxTokens, []);
  const { requester, target, scenario } = sandbox.value
    ? sandboxChoice(place)
    : pastedChoice(place);
  const isReady = sandbox.value || pasted !== "";
  const caller = useMemo<Caller | undefined>(() => {
    const tokens: TokenSource = sandbox.value ? minted : async () => pasted;
    return isReady && uuidPattern.test(requester) && uuidPattern.test(target)
      ? { requester, target, token: (refused) => tokens(requester, refused) }
      : undefined;
  }, [sandbox.value, pasted, requester, target]);
  return (
    <>
      <button type="button" class="skip-link" onClick={skipToRequest}>
        Skip to the request
      </button>
      <header class="page-header">
        <h1>
          Partner service <span>console</span>
        </h1>
        <p class="hint">Pick who calls, fill in the form, and see what the service answers.</p>
        {sandbox.value !== undefined && (
          <p class="badge">{sandbox.value ? "sandbox" : location.host}</p>
        )}
        <a href="/docs">API reference</a>
      </header>
      <Workbench
        place={place}
        go={go}
        choice={{ caller, scenario }}
        changes={changes}
        onChange={onChange}
      >
        {sandbox.failure !== "" && (
          <section class="panel" aria-label="Who calls">
            <p role="alert">{sandbox.failure}</p>
            <button type="button" onClick={sandbox.retry}>
              Try again
            </button>
          </section>
        )}
        {sandbox.value === true && scenario !== undefined && (
          <SandboxCaller
            requester={requester}
            scenario={scenario}
            caller={caller}
            tokens={minted}
            changes={changes}
            onChange={onChange}
            go={go}
          />
        )}
        {sandbox.value === false && (
          <PastedCaller
            token={pasted}
            requester={requester}
            target={target}
            onToken={setPasted}
            go={go}
          />
        )}
      </Workbench>
    </>
  );
}

function sandboxChoice({ requester, target, scenario = "self" }: Place) {
  const caller = requester === "" ? demoOrganizations[0].id : requester;
  const isGiven = target !== "" && scenario !== "self";
  return { requester: caller, target: isGiven ? target : targetOf(caller, scenario), scenario };
}

function pastedChoice({ requester, target }: Place) {
  const isSelf = requester.toLowerCase() === target.toLowerCase();
  return { requester, target, scenario: isSelf ? ("self" as const) : undefined };
}

function skipToRequest(): void {
  document.getElementById("request")?.focus();
}

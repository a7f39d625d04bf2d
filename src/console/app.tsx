import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Book } from "./book.tsx";
import type { Caller } from "./caller.ts";
import { Connections } from "./connections.tsx";
import { methodNamed, type ScenarioName } from "./contract.ts";
import { draftsFor, firstDrafts } from "./drafts.ts";
import { ImportPage } from "./import-page.tsx";
import { MethodNav } from "./method-nav.tsx";
import { demoOrganizations, targetOf, uuidPattern } from "./organizations.ts";
import { PageNav } from "./page-nav.tsx";
import type { Unsaved } from "./partner-edit.ts";
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
  const [drafts, setDrafts] = useState(firstDrafts);
  const unsaved = useMemo<Unsaved>(() => ({ edits: new Map(), additions: new Map() }), []);
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
  const isRpc = !["Book", "Import", "Connections"].includes(place.page);
  const rpc = useRef(methodNamed("").name);
  if (isRpc) {
    rpc.current = place.page;
  }

  // Whoever has pressed what is gone with the page before reads on in the new one.
  const main = useRef<HTMLElement>(null);
  const hasMoved = useRef(false);
  useLayoutEffect(() => {
    if (hasMoved.current && document.activeElement === document.body) {
      main.current?.focus();
    }
    hasMoved.current = true;
  }, [place]);

  function renderPage() {
    if (isRpc) {
      return (
        <Workbench
          page={place.page}
          choice={{ caller, scenario }}
          drafts={drafts}
          onDrafts={setDrafts}
          onChange={onChange}
        />
      );
    }
    if (caller === undefined) {
      return <p class="panel hint">Say who calls: whose token, and about whose book.</p>;
    }
    const key = `${caller.requester} ${caller.target}`;
    if (place.page === "Import") {
      return <ImportPage key={key} caller={caller} onChange={onChange} />;
    }
    return place.page === "Connections" ? (
      <Connections key={key} caller={caller} changes={changes} onChange={onChange} go={go} />
    ) : (
      <Book
        key={key}
        caller={caller}
        open={place.partner}
        changes={changes}
        unsaved={unsaved}
        onChange={onChange}
        onUse={(partner) => setDrafts((known) => ({ ...known, ...draftsFor(partner, known) }))}
        go={go}
      />
    );
  }

  return (
    <>
      <button type="button" class="skip-link" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="page-header">
        <h1>
          Partner service <span>console</span>
        </h1>
        <PageNav page={place.page} rpc={rpc.current} />
        {sandbox.value !== undefined && (
          <p class="badge">{sandbox.value ? "sandbox" : location.host}</p>
        )}
        <a href="/docs">API reference</a>
      </header>
      <div class="workbench">
        <div class="side">
          {isRpc && <MethodNav current={methodNamed(place.page)} scenario={scenario} />}
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
        </div>
        <main ref={main} tabIndex={-1}>
          {renderPage()}
        </main>
      </div>
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

import { useEffect, useRef, useState } from "preact/hooks";
import type { Caller } from "./caller.ts";
import { connect, type Pair, pairOf, readPairs } from "./connecting.ts";
import type { ScenarioName } from "./contract.ts";
import { failureText } from "./failure-text.ts";
import { organizationName } from "./organizations.ts";
import type { TokenSource } from "./tokens.ts";
import { useLoaded } from "./use-loaded.ts";

interface ConnectionStateProps {
  readonly caller: Caller;
  readonly scenario: ScenarioName;
  readonly tokens: TokenSource;
  readonly changes: number;
  readonly onChange: () => void;
}

/** How the two organizations in fact stand to each other, and the way to what the scenario says. */
export function ConnectionState(props: ConnectionStateProps) {
  const { caller, scenario, tokens, changes, onChange } = props;
  const { value: pairs, failure } = useLoaded(() => readPairs(caller), changes);
  const [connecting, setConnecting] = useState("");
  const status = useRef<HTMLParagraphElement>(null);
  const wanted = pairOf(scenario, caller);
  const connected = pairs?.some(({ host }) => host === wanted?.host) === true;
  const isApart = wanted !== undefined && pairs !== undefined && !connected;
  const wasPressed = useRef(false);

  // The button goes once it has done its work; whoever pressed it reads on at what came of it.
  useEffect(() => {
    if (connected && wasPressed.current) {
      wasPressed.current = false;
      status.current?.focus();
    }
  }, [connected]);

  async function press(pair: Pair) {
    if (connecting === "Connecting…") {
      return;
    }
    wasPressed.current = true;
    setConnecting("Connecting…");
    try {
      await connect(pair, tokens);
      setConnecting("");
      onChange();
    } catch (reason) {
      setConnecting(failureText(reason));
    }
  }

  return (
    <div class="connection">
      <p role="status" ref={status} tabIndex={-1} class={connected ? "good" : ""}>
        {failure || connecting || (pairs && describe(pairs, wanted))}
      </p>
      {isApart && (
        <button type="button" onClick={() => press(wanted)}>
          Connect them
          <small>create, invite, accept</small>
        </button>
      )}
    </div>
  );
}

function describe(pairs: readonly Pair[], wanted: Pair | undefined): string {
  if (wanted !== undefined && !pairs.some(({ host }) => host === wanted.host)) {
    const [host, guest] = [organizationName(wanted.host), organizationName(wanted.guest)];
    return `Not connected: ${guest} has accepted no invitation of ${host}.`;
  }
  return pairs
    .filter(({ host }) => wanted === undefined || host === wanted.host)
    .map(({ host, guest }) => {
      return `Connected: ${organizationName(guest)} is a guest of ${organizationName(host)}.`;
    })
    .join(" ");
}

import { useEffect, useMemo, useState } from "preact/hooks";
import type { CallerChoice } from "./app.tsx";
import { areConnected, connect, type Pair } from "./connecting.ts";
import { type ScenarioName, scenarioLabels, scenarios } from "./contract.ts";
import {
  type DemoOrganization,
  demoOrganizations,
  targetOf,
  uuidPattern,
} from "./organizations.ts";
import { createSandboxTokens, type TokenSource } from "./tokens.ts";

const other = "other";

/** Picks one of the sandbox's organizations, and how it stands to the target of its calls. */
export function SandboxCaller({ onChange }: { onChange: (choice: CallerChoice) => void }) {
  const tokens = useMemo(createSandboxTokens, []);
  const [picked, setPicked] = useState<string>(demoOrganizations[0].id);
  const [otherId, setOtherId] = useState("");
  const [scenario, setScenario] = useState<ScenarioName>("self");
  const [failure, setFailure] = useState("");
  const [connections, setConnections] = useState(0);
  const requester =
    demoOrganizations.find(({ id }) => id === picked) ??
    (uuidPattern.test(otherId)
      ? { name: "This organization", id: otherId.toLowerCase() }
      : undefined);

  // Connecting two organizations makes partners: who looks at a book then looks again.
  // The number of connections is one such event.
  useEffect(() => {
    let current = true;
    setFailure("");
    if (requester === undefined) {
      onChange({ caller: undefined, scenario, targetName: "" });
      return;
    }
    const target = targetOf(requester, scenario);
    tokens(requester.id).then(
      (token) => {
        if (current) {
          const caller = { token, requester: requester.id, target: target.id };
          onChange({ caller, scenario, targetName: target.name });
        }
      },
      (reason: unknown) => current && setFailure(String(reason)),
    );
    return () => {
      current = false;
    };
  }, [requester?.id, scenario, connections]);

  return (
    <section class="panel" aria-labelledby="caller-heading">
      <h2 id="caller-heading">Who calls</h2>
      <label class="stacked">
        Organization
        <select value={picked} onChange={({ currentTarget }) => setPicked(currentTarget.value)}>
          {demoOrganizations.map(({ name, id }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
          <option value={other}>Another one…</option>
        </select>
      </label>
      {picked === other && (
        <label class="stacked">
          Its UUID
          <input
            type="text"
            class="code"
            autocomplete="off"
            spellcheck={false}
            value={otherId}
            aria-invalid={otherId !== "" && requester === undefined}
            onInput={({ currentTarget }) => setOtherId(currentTarget.value.trim())}
          />
        </label>
      )}
      <fieldset class="scenarios">
        <legend>Scenario</legend>
        {scenarios.map((name) => (
          <label key={name}>
            <input
              type="radio"
              name="scenario"
              value={name}
              checked={name === scenario}
              onChange={() => setScenario(name)}
            />
            <span>
              <strong>{scenarioLabels[name]}</strong>
              <small>{explain(name, requester)}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {requester !== undefined && (
        <>
          <Connection
            pair={pairOf(requester, scenario)}
            tokens={tokens}
            onConnect={() => setConnections((count) => count + 1)}
          />
          <dl class="ids">
            <dt>Requester</dt>
            <dd>{requester.id}</dd>
            <dt>Target</dt>
            <dd>{targetOf(requester, scenario).id}</dd>
          </dl>
        </>
      )}
      {failure !== "" && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
    </section>
  );
}

function explain(scenario: ScenarioName, requester: DemoOrganization | undefined): string {
  const target = requester === undefined ? "another" : targetOf(requester, scenario).name;
  switch (scenario) {
    case "self":
      return "works on its own book";
    case "host":
      return `${target} accepted its invitation`;
    case "guest":
      return `it accepted the invitation of ${target}`;
    case "stranger":
      return `${target} has nothing to do with it`;
  }
}

function pairOf(requester: DemoOrganization, scenario: ScenarioName): Pair | undefined {
  const target = targetOf(requester, scenario);
  switch (scenario) {
    case "host":
      return { host: requester, guest: target };
    case "guest":
      return { host: target, guest: requester };
    default:
      return undefined;
  }
}

interface ConnectionProps {
  readonly pair: Pair | undefined;
  readonly tokens: TokenSource;
  readonly onConnect: () => void;
}

/** Whether the two organizations are connected, and the way to connect them. */
function Connection({ pair, tokens, onConnect }: ConnectionProps) {
  const [state, setState] = useState("");
  const key = pair === undefined ? "" : `${pair.host.id} ${pair.guest.id}`;
  // The key stands for the pair.
  useEffect(() => {
    let current = true;
    setState("");
    if (pair !== undefined) {
      areConnected(pair, tokens).then(
        (connected) => current && setState(connected ? "connected" : "apart"),
        (reason: unknown) => current && setState(String(reason)),
      );
    }
    return () => {
      current = false;
    };
  }, [key]);

  async function connectPair(chosen: Pair) {
    setState("connecting");
    try {
      await connect(chosen, tokens);
      setState("connected");
      onConnect();
    } catch (failure) {
      setState(String(failure));
    }
  }

  if (pair === undefined) {
    return null;
  }
  return (
    <div class="connection">
      <p role="status" class={state === "connected" ? "good" : ""}>
        {describeConnection(state, pair)}
      </p>
      {state === "apart" && (
        <button type="button" onClick={() => connectPair(pair)}>
          Connect them
          <small>create, invite, accept</small>
        </button>
      )}
    </div>
  );
}

function describeConnection(state: string, { host, guest }: Pair): string {
  switch (state) {
    case "":
      return "";
    case "connected":
      return `Connected: ${guest.name} is a guest of ${host.name}.`;
    case "connecting":
      return "Connecting…";
    case "apart":
      return `${guest.name} has not accepted an invitation of ${host.name} yet.`;
    default:
      return state;
  }
}

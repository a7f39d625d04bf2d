import { useState } from "preact/hooks";
import type { Caller } from "./caller.ts";
import { methods, requiredScope } from "./contract.ts";
import { readTrouble, troubles, turnTrouble } from "./sandbox-trouble.ts";
import type { SandboxTokens } from "./tokens.ts";
import { useLoaded } from "./use-loaded.ts";

const lifetimes = [
  { label: "good for 12 hours", seconds: 43_200 },
  { label: "expires in 15 seconds", seconds: 10 },
  { label: "has expired", seconds: -60 },
] as const;

const allScopes = [...new Set(methods.map(requiredScope))].sort().join(" ");

interface SandboxOptionsProps {
  readonly caller: Caller;
  readonly tokens: SandboxTokens;
}

/** What calls are made with, and what becomes of them: so that a caller's handling of it can be tried. */
export function SandboxOptions({ caller, tokens }: SandboxOptionsProps) {
  const [lifetime, setLifetime] = useState(0);
  const [scope, setScope] = useState(allScopes);
  const [told, setTold] = useState("");
  const trouble = useLoaded(readTrouble, "");

  function wish(nextLifetime: number, nextScope: string) {
    setLifetime(nextLifetime);
    setScope(nextScope);
    tokens.wish({ scope: nextScope.trim(), expiresInSeconds: lifetimes[nextLifetime]?.seconds });
  }

  async function copyToken() {
    try {
      await navigator.clipboard.writeText(await caller.token());
      setTold("Copied.");
    } catch {
      setTold("The token could not be copied.");
    }
  }

  async function turn(name: string) {
    try {
      await turnTrouble(name);
      setTold(
        name === "NONE"
          ? "All calls are answered as usual."
          : "For all callers, and for ten minutes at most.",
      );
    } catch (failure) {
      setTold(failure instanceof Error ? failure.message : String(failure));
    }
    trouble.retry();
  }

  return (
    <details>
      <summary>Try errors</summary>
      <label class="stacked">
        Token
        <select
          value={lifetime}
          onChange={({ currentTarget }) => wish(Number(currentTarget.value), scope)}
        >
          {lifetimes.map(({ label }, index) => (
            <option key={label} value={index}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label class="stacked">
        Its scopes
        <input
          type="text"
          class="code"
          autocomplete="off"
          spellcheck={false}
          value={scope}
          onInput={({ currentTarget }) => wish(lifetime, currentTarget.value)}
        />
      </label>
      <label class="stacked">
        Every call is answered
        <select
          value={trouble.value ?? "NONE"}
          onChange={({ currentTarget }) => turn(currentTarget.value)}
        >
          {troubles.map(({ name, label }) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <div class="actions">
        <button type="button" onClick={copyToken}>
          Copy token
        </button>
      </div>
      <p class="hint" role="status">
        {told}
      </p>
    </details>
  );
}

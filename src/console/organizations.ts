import type { ScenarioName } from "./contract.ts";

/** An organization of the sandbox, to play with. */
export interface DemoOrganization {
  readonly name: string;
  readonly id: string;
}

/**
 * The sandbox's organizations stand in a ring: each one is the host of the next, as soon as the
 * console has connected them.
 */
export const demoOrganizations = [
  { name: "Alder Trading", id: "a1de0000-0000-4000-8000-000000000001" },
  { name: "Birch Supply", id: "b12c0000-0000-4000-8000-000000000002" },
  { name: "Cedar Foods", id: "cedac000-0000-4000-8000-000000000003" },
  { name: "Dogwood Tools", id: "d0600000-0000-4000-8000-000000000004" },
] as const satisfies readonly DemoOrganization[];

const steps: Readonly<Record<ScenarioName, number>> = { self: 0, host: 1, stranger: 2, guest: 3 };

/** The organization whose book a call of the requester is about, in the scenario. */
export function targetOf(requester: DemoOrganization, scenario: ScenarioName): DemoOrganization {
  if (scenario === "self") {
    return requester;
  }
  // An organization that is not in the ring takes the place before the first.
  const place = demoOrganizations.findIndex(({ id }) => id === requester.id);
  const next = (place + steps[scenario]) % demoOrganizations.length;
  return demoOrganizations[next] ?? requester;
}

export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

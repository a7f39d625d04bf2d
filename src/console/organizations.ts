import type { ScenarioName } from "./contract.ts";

/**
 * The sandbox's organizations, to play with. They stand in a ring: each one is the host of the next,
 * as soon as somebody has connected them.
 */
export const demoOrganizations = [
  { name: "Alder Trading", id: "a1de0000-0000-4000-8000-000000000001" },
  { name: "Birch Supply", id: "b12c0000-0000-4000-8000-000000000002" },
  { name: "Cedar Foods", id: "cedac000-0000-4000-8000-000000000003" },
  { name: "Dogwood Tools", id: "d0600000-0000-4000-8000-000000000004" },
] as const;

const steps: Readonly<Record<ScenarioName, number>> = { self: 0, host: 1, invited: 2, guest: 3 };

/** The organization whose book a call of the requester is about, in the scenario. */
export function targetOf(requester: string, scenario: ScenarioName): string {
  if (scenario === "self") {
    return requester;
  }
  // An organization that is not in the ring takes the place before the first.
  const place = demoOrganizations.findIndex(({ id }) => id === requester);
  return demoOrganizations[(place + steps[scenario]) % demoOrganizations.length]?.id ?? requester;
}

/** What a person calls an organization. */
export function organizationName(id: string): string {
  const known = demoOrganizations.find((organization) => organization.id === id);
  return known?.name ?? `organization ${id.slice(0, 8)}…`;
}

export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

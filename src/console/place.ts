import { useEffect, useState } from "preact/hooks";
import { isScenario, methods, type ScenarioName } from "./contract.ts";

/** Where a person is. The address holds it, so that a reload, a link and the way back keep it. */
export interface Place {
  /** A page's name, which may be an RPC's. */
  readonly page: string;
  /** Who calls, as far as the person has chosen; a UUID, unless it is being typed. */
  readonly requester: string;
  /** Whose book it is about, where the scenario does not say. */
  readonly target: string;
  readonly scenario: ScenarioName | undefined;
}

/** Goes elsewhere: what is not named stays as it is. */
export type Go = (change: Partial<Place>) => void;

/** The place that the address names, and the way to another one. */
export function usePlace(): readonly [Place, Go] {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const onNavigation = () => setPlace(readPlace());
    addEventListener("popstate", onNavigation);
    return () => removeEventListener("popstate", onNavigation);
  }, []);
  return [place, go];

  function go(change: Partial<Place>) {
    const next = { ...place, ...change };
    if (next.page === place.page) {
      history.replaceState(null, "", addressOf(next));
    } else {
      history.pushState(null, "", addressOf(next));
    }
    setPlace(next);
  }
}

function readPlace(): Place {
  const page = location.hash.slice(1);
  const query = new URLSearchParams(location.search);
  const scenario = query.get("scenario") ?? "";
  return {
    page: methods.some(({ name }) => name === page) ? page : "CreatePartner",
    requester: query.get("requester") ?? "",
    target: query.get("target") ?? "",
    scenario: isScenario(scenario) ? scenario : undefined,
  };
}

function addressOf({ page, requester, target, scenario }: Place): string {
  const given = Object.entries({ requester, target, scenario: scenario ?? "" }).filter(
    ([, value]) => value !== "",
  );
  return `?${new URLSearchParams(given)}#${page}`;
}

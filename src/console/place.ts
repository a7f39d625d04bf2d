import { useEffect, useState } from "preact/hooks";
import { isScenario, methods, type ScenarioName } from "./contract.ts";

/** Where a person is. The address holds it, so that a reload, a link and the way back keep it. */
export interface Place {
  /** `Book`, `Import`, `Connections`, or an RPC's name. */
  readonly page: string;
  /** The id of the partner that is open in the book, or `new`; else empty. */
  readonly partner: string;
  /** Who calls, as far as the person has chosen; a UUID, unless it is being typed. */
  readonly requester: string;
  /** Whose book it is about, where the scenario does not say. */
  readonly target: string;
  readonly scenario: ScenarioName | undefined;
}

/** Goes elsewhere: what is not named stays as it is, but no partner stays open in another book. */
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
    const next = { ...place, partner: "", ...change };
    if (next.page === place.page) {
      history.replaceState(null, "", addressOf(next));
    } else {
      history.pushState(null, "", addressOf(next));
    }
    setPlace(next);
  }
}

function readPlace(): Place {
  const [page = "", partner = ""] = location.hash.slice(1).split("/");
  const query = new URLSearchParams(location.search);
  const scenario = query.get("scenario") ?? "";
  const isPage =
    page === "Import" || page === "Connections" || methods.some(({ name }) => name === page);
  return {
    page: isPage ? page : "Book",
    partner,
    requester: query.get("requester") ?? "",
    target: query.get("target") ?? "",
    scenario: isScenario(scenario) ? scenario : undefined,
  };
}

function addressOf({ page, partner, requester, target, scenario }: Place): string {
  const given = Object.entries({ requester, target, scenario: scenario ?? "" }).filter(
    ([, value]) => value !== "",
  );
  return `?${new URLSearchParams(given)}#${page}${partner === "" ? "" : `/${partner}`}`;
}

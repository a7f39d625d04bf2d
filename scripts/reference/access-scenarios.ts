import { Scenario } from "../../gen/access/v1/access_pb.ts";

/** How a requester can stand to the target, in the order of the references' tables. */
export const scenarios: readonly { readonly name: string; readonly scenario: Scenario }[] = [
  { name: "Guest", scenario: Scenario.GUEST },
  { name: "Host", scenario: Scenario.HOST },
  { name: "Self", scenario: Scenario.SELF },
  { name: "Invited", scenario: Scenario.INVITED },
];

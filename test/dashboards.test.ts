import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { expect, test } from "vitest";
import { parse } from "yaml";

// What stands in docs/operations.md another test holds to what a running service exports at /metrics.
const operations = readFileSync("docs/operations.md", "utf8");
const dashboard = JSON.parse(readFileSync("deploy/grafana/partner-service.json", "utf8"));
const { groups } = parse(readFileSync("deploy/prometheus/rules.yaml", "utf8"));
const rules: { alert: string; expr: string }[] = groups.flatMap(
  ({ rules }: { rules: { alert: string; expr: string }[] }) => rules,
);

/** The labels of each metric that a query can name. */
const exported = new Map<string, ReadonlySet<string>>([["up", new Set()]]);
const rows = operations.matchAll(/^\| (\w+) \| (histogram|gauge|counter) \| [^|]* \| ([^|]*) \|/gm);
for (const [, name = "", type, list = ""] of rows) {
  const labels = list.split(", ").filter((label) => label.trim() !== "");
  if (type === "histogram") {
    exported.set(`${name}_bucket`, new Set([...labels, "le"]));
    exported.set(`${name}_sum`, new Set(labels));
    exported.set(`${name}_count`, new Set(labels));
  } else {
    exported.set(name, new Set(labels));
  }
}
/** What Prometheus adds to each. */
const scraped = ["job", "instance"];

const queries = [
  ...rules.map(({ alert, expr }) => [alert, expr]),
  ...dashboard.panels.flatMap(({ title, targets }: Panel) =>
    (targets ?? []).map(({ expr }) => [title, expr]),
  ),
] as [string, string][];

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Whatever is not right about the names of a query. */
function complaints(query: string): string[] {
  const text = query.replaceAll("$__rate_interval", "5m");
  const found: string[] = [];
  const labels = new Set<string>(scraped);
  const used: string[] = [];
  const read = ({ from, to }: { from: number; to: number }) => text.slice(from, to);
  parser.parse(text).iterate({
    enter(node) {
      if (node.type.isError) {
        found.push(`cannot be read at ${node.from}`);
      }
      if (node.name === "VectorSelector") {
        const metric = read(node.node.getChild("Identifier") ?? node);
        const own = exported.get(metric);
        if (own === undefined) {
          found.push(`no metric ${metric}`);
        }
        for (const label of own ?? []) {
          labels.add(label);
        }
        for (const matcher of node.node
          .getChild("LabelMatchers")
          ?.getChildren("UnquotedLabelMatcher") ?? []) {
          const label = read(matcher.getChild("LabelName") ?? matcher);
          if (own !== undefined && !own.has(label) && !scraped.includes(label)) {
            found.push(`${metric} has no label ${label}`);
          }
        }
      }
      if (node.name === "LabelName" && node.node.parent?.name === "GroupingLabels") {
        used.push(read(node));
      }
    },
  });
  return [...found, ...used.filter((label) => !labels.has(label)).map((l) => `no label ${l}`)];
}

test("every query of the dashboard and of the alerts names metrics and labels that the service exports", () => {
  expect(queries.length).toBeGreaterThan(30);
  expect(
    queries.flatMap(([where, query]) => complaints(query).map((text) => `${where}: ${text}`)),
  ).toEqual([]);
});

test.each([
  [
    'rate(rpc_server_call_duration_count{rpc_code="OK"}[5m])',
    "rpc_server_call_duration_count has no label rpc_code",
  ],
  ["sum by (rpc_code) (partner_waiting)", "no label rpc_code"],
  ["partner_waitings", "no metric partner_waitings"],
  ["sum by (job (partner_waiting)", "cannot be read"],
])("a query that names something else is found: %s", (query, complaint) => {
  expect(complaints(query).join()).toContain(complaint);
});

test("the dashboard's panels do not overlap, and each has an id of its own", () => {
  const ids = dashboard.panels.map(({ id }: { id: number }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }: Placed) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});

interface Placed {
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
}

test("each alert is explained in docs/operations.md", () => {
  const explained = [...operations.matchAll(/^\| (PartnerService\w+) \|/gm)].map(
    ([, name]) => name,
  );
  expect(explained).toEqual(rules.map(({ alert }) => alert));
});

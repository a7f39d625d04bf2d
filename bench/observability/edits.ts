import type { Edit } from "../edit.ts";

/** What can be told of calls, and switched. */
export type Part = "audit" | "metrics" | "traces";

const audit = "src/observability/audit.ts";
const telemetry = "src/observability/telemetry.ts";
const metrics = "src/observability/metrics.ts";
const runtime = "packages/rpc-telemetry/src/runtime-metrics.ts";

/** What makes each part do nothing while it is switched off. */
export const edits: readonly Edit[] = [
  {
    file: audit,
    from: "if (request.stream ||",
    to: "if (!observed.parts.audit || request.stream ||",
  },
  {
    file: audit,
    from: "begins(call, { raw }) {",
    to: "begins(call, { raw }) { if (!observed.parts.audit) { return; }",
  },
  {
    file: audit,
    from: "ends(call) {",
    to: "ends(call) { if (!observed.parts.audit) { return; }",
  },
  {
    file: telemetry,
    from: "observers: [metrics.calls],",
    to: `observers: [
      {
        begins() { if (observed.parts.metrics) { metrics.calls.begins(); } },
        ends(call) { if (observed.parts.metrics) { metrics.calls.ends(call); } },
      },
    ],`,
  },
  {
    file: metrics,
    from: 'import { listen } from "./listen.ts";',
    to: `import { listen as subscribe } from "./listen.ts";
    function listen(channel, listener) {
      let end;
      observed.add("metrics", () => { end = subscribe(channel, listener); }, () => end());
      return () => end();
    }`,
  },
  {
    file: runtime,
    from: 'observer.observe({ entryTypes: ["gc"] });',
    to: `observed.add(
      "metrics",
      () => { observer.observe({ entryTypes: ["gc"] }); delay.enable(); },
      () => { observer.disconnect(); delay.disable(); },
    );`,
  },
  {
    file: telemetry,
    from: "begins(call, { raw }, reply) {",
    to: "begins(call, { raw }, reply) { if (!observed.parts.traces) { return; }",
  },
  {
    file: telemetry,
    from: "ends: (call) =>",
    to: "ends: (call) => observed.parts.traces &&",
  },
  {
    file: telemetry,
    from: 'const endStatements = listen("postgres-statements.statement", statementEnded);',
    to: `let endStatements;
    observed.add(
      "traces",
      () => { endStatements = listen("postgres-statements.statement", statementEnded); },
      () => endStatements(),
    );`,
  },
];

import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { createPostgresDatabase } from "../support/databases.ts";
import { freePort } from "../support/free-port.ts";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { protocols } from "../support/protocols.ts";
import { partnerRequest } from "../support/requests.ts";

const run = promisify(execFile);

const missing = ["prometheus", "promtool"].filter(
  (name) => spawnSync(name, ["--version"]).status !== 0,
);
const reason = missing.length === 0 ? "" : ` – SKIPPED, there is no ${missing.join(", no ")}`;

/** What only comes once something has failed, or with TLS. */
const silent = [
  ...["Failures by the service's fault", "Failures of statements", "Fetches of the issuer's keys"],
  "Certificate",
];

/** Of Prometheus's HTTP API. */
interface Answer {
  readonly status: string;
  readonly data: { result: object[]; groups: { rules: object[] }[] };
  readonly error?: string;
}

describe.skipIf(missing.length > 0)("Prometheus", () => {
  let directory: string;
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
  let service: ServiceProcess;
  let prometheus: ChildProcess;
  let metricsUrl: string;
  let prometheusUrl: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "partner-monitoring-"));
    database = await createPostgresDatabase();
    const metricsPort = await freePort();
    metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    const settings = { DATA_DIR: directory, DATABASE_URL: database.settings.databaseUrl };
    service = startProcess("src/main.ts", {
      ...{ ...settings, PORT: "0", METRICS_PORT: String(metricsPort) },
    });
    const [, url = ""] = await service.waitFor(/ready at (\S+)/);

    const config = parse(readFileSync("deploy/prometheus/prometheus.yaml", "utf8"));
    config.global = { scrape_interval: "1s", evaluation_interval: "1s" };
    config.rule_files = [resolve("deploy/prometheus/rules.yaml")];
    config.scrape_configs[0].static_configs[0].targets = [`127.0.0.1:${metricsPort}`];
    const configFile = join(directory, "prometheus.yaml");
    await writeFile(configFile, stringify(config));
    const port = await freePort();
    prometheusUrl = `http://127.0.0.1:${port}`;
    prometheus = spawn(
      "prometheus",
      [
        ...[`--config.file=${configFile}`, `--storage.tsdb.path=${join(directory, "data")}`],
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: "ignore" },
    );
    // Calls come while it scrapes, so that there are rates; some of them are refused.
    const organization = crypto.randomUUID();
    const command = startProcess("scripts/token.ts", settings, ["--organization", organization]);
    expect(await command.ended()).toBe(0);
    const headers = new Headers({
      Authorization: `Bearer ${command.output().trim()}`,
      "Requester-Organization-ID": organization,
      "Target-Organization-ID": organization,
    });
    for (let round = 0; round < 8; round += 1) {
      for (const transport of Object.values(protocols)) {
        const client = createClient(PartnerService, transport(url));
        const { partner } = await client.createPartner(partnerRequest(), { headers });
        await client.getPartner({ id: partner?.id ?? "" }, { headers });
        await client.getPartner({ id: crypto.randomUUID() }, { headers }).catch(() => {});
      }
      await fetch(`${url}/readyz`);
      await delay(1000);
    }
  });
  afterAll(async () => {
    prometheus?.kill("SIGKILL");
    service?.child.kill("SIGTERM");
    await service?.ended();
    await database?.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function ask(path: string) {
    const response = await fetch(`${prometheusUrl}/api/v1/${path}`);
    const { status, data, error } = (await response.json()) as Answer;
    expect({ path, status, error }).toEqual({ path, status: "success", error: undefined });
    return data;
  }

  test(`has an answer to each query of the dashboard${reason}`, async () => {
    const { panels } = JSON.parse(readFileSync("deploy/grafana/partner-service.json", "utf8"));
    const empty = new Set<string>();
    for (const { title, targets = [] } of panels) {
      for (const { expr } of targets) {
        const query = expr.replaceAll("$__rate_interval", "10s").replaceAll("$instance", ".*");
        const { result } = await ask(`query?query=${encodeURIComponent(query)}`);
        if (result.length === 0) {
          empty.add(title);
        }
      }
    }
    expect([...empty]).toEqual(silent);
  });

  test(`evaluates the alerts, and fires none${reason}`, async () => {
    const { groups } = await ask("rules");
    const rules = groups.flatMap((group) => group.rules);
    expect(rules).toHaveLength(
      parse(readFileSync("deploy/prometheus/rules.yaml", "utf8")).groups[0].rules.length,
    );
    for (const rule of rules) {
      expect(rule).toMatchObject({ health: "ok", state: "inactive" });
    }
  });

  test(`finds nothing wrong with the rules, their tests and the configuration${reason}`, async () => {
    const { stdout } = await run("promtool", [
      "check",
      "config",
      "deploy/prometheus/prometheus.yaml",
    ]);
    expect(stdout).toContain("1 rule files found");
    await run("promtool", ["test", "rules", "deploy/prometheus/rules.test.yaml"]);
  });

  test(`can read what the service exports${reason}`, async () => {
    const scrape = await (await fetch(metricsUrl)).text();
    const { status, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input: scrape,
      encoding: "utf8",
    });
    // OpenTelemetry's name for it: promtool wants only histograms to have such a suffix.
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr:
        'db_client_connection_count non-histogram and non-summary metrics should not have "_count" suffix\n',
    });
  });
});

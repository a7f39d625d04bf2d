import { globSync, readFileSync } from "node:fs";
import { listSettings } from "@partner-service/settings";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { settings } from "../src/config/settings.ts";

const read = (name: string) => readFileSync(`deploy/${name}`, "utf8");
const names = listSettings(settings).map(({ name }) => name as string);
const documents = globSync("deploy/kubernetes*.yaml")
  .flatMap((path) => parseAllDocuments(readFileSync(path, "utf8")))
  .map((document) => document.toJS());

test("deploy/ sets nothing that the service does not read", () => {
  const { services } = parse(read("compose.yaml"), { merge: true });
  const containers = documents.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);
  const set = [
    ...documents.flatMap(({ data }) => Object.keys(data ?? {})),
    ...containers.flatMap(({ env }) => env ?? []).map(({ name }: { name: string }) => name),
    ...[services.service, services.migrations].flatMap(({ environment }) =>
      Object.keys(environment),
    ),
    ...Array.from(read("environment.example").matchAll(/^(\w+)=/gm), ([, name = ""]) => name),
  ];
  expect(set).toContain("JWT_JWKS_URL");
  expect(set.filter((name) => !names.includes(name))).toEqual([]);
});

test("each way into production starts the service as npm start does", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  const command = scripts.start.replace(/^exec /, "");
  const [, image = ""] = /^CMD (.*)$/m.exec(read("Dockerfile")) ?? [];
  const [, unit] =
    /^ExecStart=\/usr\/local\/bin\/(.*)$/m.exec(read("partner-service.service")) ?? [];
  expect([JSON.parse(image).join(" "), unit]).toEqual([command, command]);
});

test("a container is given the time that its shutdown takes", () => {
  const defaultOf = (name: string) =>
    Number(listSettings(settings).find((setting) => setting.name === name)?.default);
  const timeout = defaultOf("SHUTDOWN_TIMEOUT_MS");
  const seconds = (text: string) => Number.parseInt(text, 10) * 1000;

  const { services } = parse(read("compose.yaml"), { merge: true });
  const { environment, stop_grace_period: grace } = services.service;
  expect(seconds(grace)).toBeGreaterThan(Number(environment.SHUTDOWN_DELAY_MS) + timeout);

  const [{ terminationGracePeriodSeconds, containers }] = documents.flatMap(({ kind, spec }) =>
    kind === "Deployment" ? [spec.template.spec] : [],
  );
  const preStop = containers[0].lifecycle.preStop.sleep.seconds * 1000;
  expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(preStop + timeout);

  const [, stop = ""] = /^TimeoutStopSec=(\d+)$/m.exec(read("partner-service.service")) ?? [];
  const [, delay] = /^SHUTDOWN_DELAY_MS=(\d+)$/m.exec(read("environment.example")) ?? [];
  expect(seconds(stop)).toBeGreaterThan(Number(delay) + timeout);
});

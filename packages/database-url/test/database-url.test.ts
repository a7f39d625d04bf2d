import { expect, test } from "vitest";
import {
  findParameterProblem,
  hostUrls,
  nameSslMode,
  needsWritableServer,
  parseDatabaseUrl,
} from "../src/index.ts";

test.each([
  "postgres://localhost/partners",
  "postgresql://user:p%40ss@db.example.com:5432/partners?sslmode=verify-full",
  "postgres://user@/partners?host=/var/run/postgresql",
  "postgres:///partners?host=/var/run/postgresql",
  "postgres://%2Fvar%2Frun%2Fpostgresql/partners",
  "postgres://user:p%40ss@a.example.com:5432,b.example.com,[::1]:5433/partners",
  "postgres://a,b/partners?target_session_attrs=read-write&sslmode=require",
  "postgres://localhost/partners?target_session_attrs=any",
])("%s is the URL of a database", (url) => {
  expect(parseDatabaseUrl(url)).not.toBeNull();
  expect(findParameterProblem(url)).toBeUndefined();
});

test.each([
  "partners",
  "user@/partners",
  "mysql://localhost/partners",
  "postgres://localhost/%zz",
  "postgres://a,b:port/partners",
])("%s is none", (text) => {
  expect(parseDatabaseUrl(text)).toBeNull();
});

test.each([
  ["localhost/partners?connect_timeout=3", "the parameter connect_timeout"],
  ["a,b/partners?Target_Session_Attrs=any", "the parameter Target_Session_Attrs"],
  ["localhost/partners?statement_timeout=0", "the parameter statement_timeout"],
  ["localhost/partners?target_session_attrs=standby", "target_session_attrs"],
  ["a,b/partners?target_session_attrs=any", "target_session_attrs"],
  ["a,b/partners?host=c", "names hosts in a parameter"],
  ["/partners?host=a,b", "names hosts in a parameter"],
  ["localhost/partners?sslmode=on", "an sslmode"],
  ["localhost/partners?port=abc", "a port"],
  ["localhost/partners?port=65536", "a port"],
  ["localhost/partners?uselibpqcompat=true&sslmode=verify-ca", "no sslrootcert"],
  ["localhost/partners?sslkey=/nowhere/key.pem", "as sslkey that cannot be read (ENOENT)"],
])("of postgres://%s it is said what is wrong with it", (rest, problem) => {
  expect(findParameterProblem(`postgres://${rest}`)).toContain(problem);
});

test("A URL of several hosts is one for each, and wants the one that takes writes", () => {
  const url = "postgres://user:p%40ss@a:5433,[::1]/partners?sslmode=require";
  expect(hostUrls(url)).toEqual([
    "postgres://user:p%40ss@a:5433/partners?sslmode=require",
    "postgres://user:p%40ss@[::1]/partners?sslmode=require",
  ]);
  expect(needsWritableServer(url)).toBe(true);
  expect(needsWritableServer("postgres://a/partners?target_session_attrs=read-write")).toBe(true);
  expect(needsWritableServer("postgres://a/partners")).toBe(false);
});

test.each([
  ["?sslmode=require", "?sslmode=verify-full"],
  ["?user=a&sslmode=prefer&port=1", "?user=a&sslmode=verify-full&port=1"],
  ["?sslmode=no-verify", "?sslmode=no-verify"],
  ["?sslmode=require&uselibpqcompat=true", "?sslmode=require&uselibpqcompat=true"],
])("%s is for pg %s", (given, named) => {
  expect(nameSslMode(`postgres://a/partners${given}`)).toBe(`postgres://a/partners${named}`);
});

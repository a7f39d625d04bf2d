import { expect, test } from "vitest";
import { createCallerAddress, isAddressRange } from "../src/caller-address.ts";

function addressOf(
  proxies: readonly string[],
  remoteAddress: string | undefined,
  forwardedFor: string | undefined,
) {
  const headers = forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor };
  return createCallerAddress(proxies)({ headers, socket: { remoteAddress } });
}

const trusted = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"];

test.each<[string, string | undefined, string | undefined, string | undefined]>([
  ["the connection's", "203.0.113.9", undefined, "203.0.113.9"],
  [
    "the connection's, without what it is wrapped in",
    "::ffff:203.0.113.9",
    undefined,
    "203.0.113.9",
  ],
  ["the connection's, where it is not trusted", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
  ["a trusted proxy's sender", "10.1.2.3", "198.51.100.1", "198.51.100.1"],
  ["a single trusted proxy's sender", "192.0.2.1", "198.51.100.1", "198.51.100.1"],
  ["its neighbour's own", "192.0.2.2", "198.51.100.1", "192.0.2.2"],
  ["the sender over IPv6", "2001:db8::7", "2001:db9::1", "2001:db9::1"],
  ["the sender of a wrapped proxy", "::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"],
  ["the first that is not trusted", "10.1.2.3", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"],
  ["the first of the trusted", "10.1.2.3", "10.2.2.2,10.3.3.3", "10.2.2.2"],
  ["the sender without its port", "10.1.2.3", "198.51.100.1:4711", "198.51.100.1"],
  ["the sender over IPv6 without its port", "10.1.2.3", "[2001:db9::1]:4711", "2001:db9::1"],
  ["the proxy's, where it tells nonsense", "10.1.2.3", "198.51.100.1, unknown", "10.1.2.3"],
  ["the proxy's, where it tells nothing", "10.1.2.3", "", "10.1.2.3"],
  ["the sender's with its zone", "10.1.2.3", "fe80::1%eth0", "fe80::1%eth0"],
  ["the proxy's, where a zone would end a text", "10.1.2.3", 'fe80::1%eth0"', "10.1.2.3"],
  ["the proxy's, where a zone would escape", "10.1.2.3", "[fe80::1%\\]:80", "10.1.2.3"],
  ["none, where the connection has none", undefined, "198.51.100.1", undefined],
])("the caller's address is %s", (_name, peer, forwardedFor, address) => {
  expect(addressOf(trusted, peer, forwardedFor)).toBe(address);
});

test("without trusted proxies nobody's word is taken", () => {
  expect(addressOf([], "127.0.0.1", "198.51.100.1")).toBe("127.0.0.1");
});

test("a chain of proxies is followed 16 back, and no further", () => {
  const chain = (proxies: number) =>
    ["198.51.100.1", ...Array.from({ length: proxies }, () => "10.0.0.1")].join(", ");
  expect(addressOf(trusted, "10.0.0.2", chain(15))).toBe("198.51.100.1");
  expect(addressOf(trusted, "10.0.0.2", chain(16))).toBe("10.0.0.1");
});

test.each([
  ["10.0.0.1", true],
  ["10.0.0.0/8", true],
  ["10.0.0.0/33", false],
  ["2001:db8::/128", true],
  ["2001:db8::/129", false],
  ["10.0.0.0/", false],
  ["10.0.0.0/8/8", false],
  ["example.com", false],
  ["", false],
])("%s is an address or a range: %s", (text, is) => {
  expect(isAddressRange(text)).toBe(is);
});

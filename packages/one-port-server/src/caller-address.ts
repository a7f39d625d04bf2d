import type { IncomingHttpHeaders } from "node:http";
import { BlockList, isIP } from "node:net";

/** What is asked of Node's request. */
interface Caller {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** How many proxies are followed back, at most. */
const maxProxies = 16;

/**
 * Makes what tells the address that a call comes from: that of the connection, or, where this is one of
 * the trusted proxies, what it says of its sender in `X-Forwarded-For`, and so on back to the first
 * that is not trusted. What an untrusted sender has written there is never taken.
 *
 * @param trustedProxies addresses and ranges, as `isAddressRange` admits them.
 */
export function createCallerAddress(
  trustedProxies: readonly string[],
): (request: Caller) => string | undefined {
  const trusted = new BlockList();
  for (const range of trustedProxies) {
    const [address = "", prefix] = range.split("/", 2);
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) {
      trusted.addAddress(address, family);
    } else {
      trusted.addSubnet(address, Number(prefix), family);
    }
  }
  const isTrusted = (address: string) =>
    trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

  let last: { readonly text: string; readonly address: string | undefined } | undefined;

  /** The address of a connection's other end, which is mostly that of the call before, too. */
  function peerAddress(text = ""): string | undefined {
    if (text !== last?.text) {
      last = { text, address: plainAddress(text) };
    }
    return last.address;
  }

  return ({ headers, socket }) => {
    let address = peerAddress(socket.remoteAddress);
    const forwardedFor = headers["x-forwarded-for"];
    if (trustedProxies.length === 0 || typeof forwardedFor !== "string") {
      return address;
    }
    const senders = forwardedFor.split(",").slice(-maxProxies);
    while (address !== undefined && isTrusted(address)) {
      const sender = plainAddress(senders.pop()?.trim() ?? "");
      if (sender === undefined) {
        return address;
      }
      address = sender;
    }
    return address;
  };
}

/** Whether the text is an address, or a range in CIDR notation (RFC 4632, RFC 4291). */
export function isAddressRange(text: string): boolean {
  const [address = "", prefix = "0", ...more] = text.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return more.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
}

/** An address without its port, and one of IPv4 in its own form; undefined for what is none. */
function plainAddress(text: string): string | undefined {
  const [, ipv6, ipv4] = /^(?:\[(.+)\]|([\d.]+))(?::\d+)?$/.exec(text) ?? [];
  const address = (ipv6 ?? ipv4 ?? text).replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(address) === 0 ? undefined : address;
}

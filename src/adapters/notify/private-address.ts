import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Networks that nobody reaches from the Internet. Source: the IANA special-purpose address registries. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 128],
  ["::1", 128],
  // Roads into IPv4, of which the other end may be anywhere: NAT64 and 6to4.
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv6");
}

/** Whether an address, also one in brackets as URLs have it, lies inside; false for what is no address. */
export function isPrivateAddress(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, "");
  const family = isIP(address);
  return family !== 0 && PRIVATE.check(address, family === 6 ? "ipv6" : "ipv4");
}

const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet("169.254.0.0", 16, "ipv4");
LINK_LOCAL.addSubnet("fe80::", 10, "ipv6");

/** No receiver has such an address, but clouds tell a machine's own keys there. */
export function isLinkLocal(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, "");
  const family = isIP(address);
  return family !== 0 && LINK_LOCAL.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** Whether every address of a host is public. A name that can't be looked up counts as public: guarding costs nothing. */
export function isPublicPlace(host: string, isPrivate: (address: string) => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    if (isIP(host.replace(/^\[|\]$/g, "")) !== 0) return resolve(!isPrivate(host));
    lookup(host, { all: true }, (error, addresses) =>
      resolve(error !== null || addresses.every(({ address }) => !isPrivate(address))),
    );
  });
}

/**
 * Looks names up for a connection and refuses private addresses at that moment: a name that was public when somebody
 * looked may be private when it is connected to.
 */
export function publicLookup(isPrivate: (address: string) => boolean): LookupFunction {
  return (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const inside = addresses.some(({ address }) => isPrivate(address));
      if (inside) return done(new Error("the name leads to a private address, which a public webhook must not"), []);
      if (options.all === true) return done(null, addresses);
      const [first] = addresses;
      done(null, first?.address ?? "", first?.family);
    });
  };
}

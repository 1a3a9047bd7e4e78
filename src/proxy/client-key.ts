import type { IncomingMessage } from "node:http";
import { crc32 } from "node:zlib";
import { clientOf, isPrivateAddress } from "./client.ts";

/**
 * The address that a request comes from, as a number. What a proxy before this one says of it is believed of those on
 * private addresses alone, hop by hop: what an address of the internet has written there itself lies behind it.
 */
export function clientKey({ headers, socket }: IncomingMessage): number {
  const client = clientOf(socket);
  const before = client.isTrusted ? ((headers["x-forwarded-for"] as string | undefined) ?? "") : "";
  // Most connections bring the requests of one client.
  if (client.key === null || client.keyOf !== before) {
    client.keyOf = before;
    client.key = crc32(before === "" ? client.address : outermost(before)) | 0;
  }
  return client.key;
}

/** The last address in the list that is none of our own; the first, when all of them are. */
function outermost(forwardedFor: string): string {
  const hops = forwardedFor.split(",").map((hop) => hop.trim());
  return hops.findLast((hop) => !isPrivateAddress(hop)) ?? hops[0] ?? "";
}

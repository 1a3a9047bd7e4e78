import { randomBytes } from "node:crypto";

/** Random bytes are fetched by the block: one call for each id would cost more than the rest of a request's header. */
const BLOCK = 16 * 512;

let block: Buffer = Buffer.alloc(0);
let used = 0;

function take(bytes: number, encoding: "hex" | "base64url"): string {
  if (used + bytes > block.length) {
    block = randomBytes(BLOCK);
    used = 0;
  }
  used += bytes;
  return block.toString(encoding, used - bytes, used);
}

/** 128 random bits in 22 characters: a visitor, for a cookie. */
export function newVisitorId(): string {
  return take(16, "base64url");
}

/** 128 random bits in hex: a request. */
export function newRequestId(): string {
  return take(16, "hex");
}

/** A W3C trace context that begins here; sampled, because "not sampled" would switch the app's own tracing off. */
export function newTraceparent(): string {
  return `00-${take(16, "hex")}-${take(8, "hex")}-01`;
}

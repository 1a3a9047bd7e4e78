import { randomBytes } from "node:crypto";

const CLOSE = 0x8;
/** Status 1001: the endpoint goes away (RFC 6455, 7.4.1). */
const GOING_AWAY = Buffer.from([0x03, 0xe9]);

/**
 * Follows the frames of one direction of a WebSocket without keeping them (RFC 6455, 5.2): it knows where a frame ends,
 * because only there may another be put in, and whether a Close has gone by.
 */
export class FrameFollower {
  hasSeenClose = false;
  #head: number[] = [];
  #headLength = 2;
  #payloadLeft = 0;

  /** Whether a frame has just ended, or none has begun. */
  get isAtBoundary(): boolean {
    return this.#payloadLeft === 0 && this.#head.length === 0;
  }

  /** Takes in bytes and answers how many: all, or with `untilBoundary` those up to the end of the frame in hand. */
  follow(bytes: Buffer, untilBoundary: boolean): number {
    let at = 0;
    while (at < bytes.length) {
      if (untilBoundary && this.isAtBoundary) return at;
      if (this.#payloadLeft > 0) {
        const taken = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= taken;
        at += taken;
      } else {
        this.#takeHead(bytes[at] as number);
        at += 1;
      }
    }
    return at;
  }

  #takeHead(byte: number): void {
    const head = this.#head;
    head.push(byte);
    if (head.length === 2) {
      const short = byte & 0x7f;
      this.#headLength = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (byte & 0x80 ? 4 : 0);
    }
    if (head.length < this.#headLength) return;
    if (((head[0] as number) & 0x0f) === CLOSE) this.hasSeenClose = true;
    const short = (head[1] as number) & 0x7f;
    this.#payloadLeft = short < 126 ? short : numberIn(head.slice(2, short === 126 ? 4 : 10));
    this.#head = [];
    this.#headLength = 2;
  }
}

function numberIn(bytes: readonly number[]): number {
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

/** A Close 1001 as a server sends it. */
export function closeToClient(): Buffer {
  return Buffer.concat([Buffer.from([0x80 | CLOSE, GOING_AWAY.length]), GOING_AWAY]);
}

/** A Close 1001 as a client sends it: masked. */
export function closeToServer(): Buffer {
  const mask = randomBytes(4);
  const masked = GOING_AWAY.map((byte, i) => byte ^ (mask[i % 4] as number));
  return Buffer.concat([Buffer.from([0x80 | CLOSE, 0x80 | GOING_AWAY.length]), mask, masked]);
}

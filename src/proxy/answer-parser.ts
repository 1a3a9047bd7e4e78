/** How the body of an answer ends. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "until-close" };

export interface RawHead {
  readonly status: number;
  readonly message: string;
  /** Of HTTP/1.x. */
  readonly minor: number;
  /** Name, value, name, value … */
  readonly rawHeaders: readonly string[];
}

/** Is told what is read, in its order. Whatever it is given as bytes is overwritten after the call. */
export interface AnswerSink {
  onInformation(head: RawHead): void;
  /** Answers how the body ends; null: it can't be told, and nothing more is read. */
  onHead(head: RawHead): Framing | null;
  onBody(bytes: Buffer): void;
  /** With the trailers: name, value, name, value … */
  onEnd(rawTrailers: readonly string[]): void;
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 8 * 1024;
const MAX_HEADER_LINES = 500;
const NOTHING = Buffer.alloc(0);
const END_OF_HEAD = Buffer.from("\r\n\r\n");
const BEGINNING = "HTTP/1.";
const LF = 10;
const CR = 13;

type State =
  "head" | "length" | "chunk-size" | "chunk-data" | "chunk-end" | "trailers" | "until-close" | "done" | "bad";

/**
 * Reads one answer after the other as an HTTP/1.1 client does (RFC 9112), strictly: what two readers could take
 * differently makes it `bad`. Faster than node:http's client, which makes a stream and a dozen listeners of each answer.
 * Names and values of headers are checked by whoever writes them on.
 */
export class AnswerParser {
  readonly #sink: AnswerSink;
  #state: State = "done";
  /** What has come of a head or a line that is not whole yet. */
  #partial: Buffer = NOTHING;
  /** Bytes that are left of the body or of the chunk. */
  #left = 0;
  #trailers: string[] = [];

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** From now on an answer is expected. */
  begin(): void {
    this.#state = "head";
    this.#partial = NOTHING;
    this.#trailers = [];
  }

  get isDone(): boolean {
    return this.#state === "done";
  }

  get isBad(): boolean {
    return this.#state === "bad";
  }

  /** Bytes after the end of the answer make it bad: nobody asked for them. */
  feed(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#state) {
        case "head":
          at = this.#readHead(bytes, at);
          break;
        case "length":
        case "chunk-data":
          at = this.#readCounted(bytes, at);
          break;
        case "until-close":
          this.#sink.onBody(at === 0 ? bytes : bytes.subarray(at));
          at = bytes.length;
          break;
        case "chunk-size":
        case "chunk-end":
        case "trailers":
          at = this.#readLine(bytes, at);
          break;
        case "done":
          this.#state = "bad";
          return;
        case "bad":
          return;
      }
    }
  }

  /** The connection has ended; for some answers that is their end. */
  close(): void {
    if (this.#state === "until-close") this.#end();
    else if (this.#state !== "done") this.#state = "bad";
  }

  #readHead(bytes: Buffer, at: number): number {
    if (this.#partial.length > 0) return this.#readPartialHead(bytes, at);
    const end = bytes.indexOf(END_OF_HEAD, at);
    if (end === -1) {
      this.#keepHead(bytes, at);
      return bytes.length;
    }
    this.#takeHead(bytes.toString("latin1", at, end));
    return end + END_OF_HEAD.length;
  }

  #readPartialHead(bytes: Buffer, at: number): number {
    const before = this.#partial.length;
    const all = Buffer.concat([this.#partial, bytes.subarray(at)]);
    // Its end may lie across the two pieces.
    const end = all.indexOf(END_OF_HEAD, Math.max(0, before - END_OF_HEAD.length));
    if (end === -1) {
      this.#keepHead(bytes, at);
      return bytes.length;
    }
    this.#partial = NOTHING;
    this.#takeHead(all.toString("latin1", 0, end));
    return at + end + END_OF_HEAD.length - before;
  }

  #takeHead(text: string): void {
    const head = text.length > MAX_HEAD_BYTES ? null : parseHead(text);
    if (head === null || head.status === 101) {
      this.#state = "bad";
      return;
    }
    if (head.status < 200) {
      this.#sink.onInformation(head);
      return;
    }
    const framing = this.#sink.onHead(head);
    if (framing === null) {
      this.#state = "bad";
      return;
    }
    switch (framing.kind) {
      case "none":
        this.#end();
        break;
      case "length":
        this.#left = framing.bytes;
        this.#state = "length";
        if (framing.bytes === 0) this.#end();
        break;
      case "chunked":
        this.#state = "chunk-size";
        break;
      case "until-close":
        this.#state = "until-close";
        break;
    }
  }

  #readCounted(bytes: Buffer, at: number): number {
    const length = Math.min(this.#left, bytes.length - at);
    this.#left -= length;
    this.#sink.onBody(at === 0 && length === bytes.length ? bytes : bytes.subarray(at, at + length));
    if (this.#left === 0) {
      if (this.#state === "length") this.#end();
      else this.#state = "chunk-end";
    }
    return at + length;
  }

  #readLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LF, at);
    if (end === -1) {
      this.#keep(bytes, at, MAX_LINE_BYTES);
      return bytes.length;
    }
    let line = bytes.toString("latin1", at, end);
    if (this.#partial.length > 0) {
      line = this.#partial.toString("latin1") + line;
      this.#partial = NOTHING;
    }
    if (line.charCodeAt(line.length - 1) !== CR) this.#state = "bad";
    else this.#takeLine(line.slice(0, -1));
    return end + 1;
  }

  #takeLine(line: string): void {
    switch (this.#state) {
      case "chunk-size": {
        // An extension after a semicolon says nothing to us. Twelve digits are more than any memory holds.
        const size = /^([0-9A-Fa-f]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line)?.[1];
        if (size === undefined) {
          this.#state = "bad";
          return;
        }
        this.#left = Number.parseInt(size, 16);
        this.#state = this.#left === 0 ? "trailers" : "chunk-data";
        return;
      }
      case "chunk-end":
        this.#state = line === "" ? "chunk-size" : "bad";
        return;
      case "trailers":
        if (line === "") this.#end();
        else if (!addHeader(this.#trailers, line)) this.#state = "bad";
        return;
      case "head":
      case "length":
      case "chunk-data":
      case "until-close":
      case "done":
      case "bad":
        return;
    }
  }

  /** Something else than HTTP/1.x is told from the first bytes on: its head may never end. */
  #keepHead(bytes: Buffer, at: number): void {
    this.#keep(bytes, at, MAX_HEAD_BYTES);
    const first = this.#partial.toString("latin1", 0, BEGINNING.length);
    if (!BEGINNING.startsWith(first)) this.#state = "bad";
  }

  /** The bytes will be overwritten: what is not whole is copied. */
  #keep(bytes: Buffer, at: number, most: number): void {
    this.#partial = Buffer.concat([this.#partial, bytes.subarray(at)]);
    if (this.#partial.length > most) this.#state = "bad";
  }

  #end(): void {
    this.#state = "done";
    this.#sink.onEnd(this.#trailers);
  }
}

/** null: it is none. `text` is without the empty line at its end. */
function parseHead(text: string): RawHead | null {
  // A CR or LF alone, or a NUL, is where two readers part.
  if (/\r(?!\n)|(?<!\r)\n|\0/.test(text)) return null;
  let end = text.indexOf("\r\n");
  if (end === -1) end = text.length;
  const line = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(text.slice(0, end));
  if (line === null) return null;
  const rawHeaders: string[] = [];
  while (end < text.length) {
    const start = end + 2;
    end = text.indexOf("\r\n", start);
    if (end === -1) end = text.length;
    if (!addHeader(rawHeaders, text.slice(start, end)) || rawHeaders.length > 2 * MAX_HEADER_LINES) return null;
  }
  return { status: Number(line[2]), message: line[3] ?? "", minor: line[1] === "1" ? 1 : 0, rawHeaders };
}

/** Whether the line is a header at all; one that goes on from the line before (obs-fold) is none. */
function addHeader(headers: string[], line: string): boolean {
  const colon = line.indexOf(":");
  if (colon <= 0) return false;
  const first = line.charCodeAt(0);
  const last = line.charCodeAt(colon - 1);
  if (first === 32 || first === 9 || last === 32 || last === 9) return false;
  headers.push(line.slice(0, colon), line.slice(colon + 1).trim());
  return true;
}

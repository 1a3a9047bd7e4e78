import { connect, type Socket } from "node:net";

/** What is asked for. */
export interface Asked {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Whole header lines, each with its line end. */
  readonly headers?: string;
  readonly body?: string;
}

/**
 * Why a request counts as failed.
 *
 * | failure | what came |
 * |---|---|
 * | `refused` | no connection |
 * | `reset` | the connection ended before an answer began |
 * | `truncated` | it ended before the answer did |
 * | `status` | another status than 200 |
 * | `garbled` | no HTTP answer |
 * | `misdelivered` | the answer to another request |
 * | `timeout` | nothing for 5 s |
 */
export type Failure = "refused" | "reset" | "truncated" | "status" | "garbled" | "misdelivered" | "timeout";

export type Outcome =
  | { readonly ok: true; readonly version: string; readonly instance: string; readonly begunAt: number }
  | { readonly ok: false; readonly failure: Failure; readonly detail: string };

const TIMEOUT_MS = 5_000;

interface Pending {
  readonly number: string;
  readonly resolve: (outcome: Outcome) => void;
}

/**
 * A client that retries nothing and overlooks nothing: bytes over a bare socket, one request at a time, the connection
 * kept as long as the other side keeps it.
 */
export class ClientConnection {
  readonly #port: number;
  #socket: Socket | null = null;
  #wasOpen = false;
  #pending: Pending | null = null;
  #text = "";
  #sent = 0;

  constructor(port: number) {
    this.#port = port;
  }

  ask({ method, path, headers = "", body }: Asked): Promise<Outcome> {
    this.#sent += 1;
    const number = `${process.pid}-${this.#sent}`;
    const length = body === undefined ? "" : `Content-Length: ${body.length}\r\n`;
    const socket = this.#socket ?? this.#open();
    return new Promise((resolve) => {
      this.#pending = { number, resolve };
      this.#text = "";
      socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: shop\r\nX-Number: ${number}\r\n${length}${headers}\r\n${body ?? ""}`,
        "latin1",
      );
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
    this.#socket = socket;
    this.#wasOpen = false;
    let error = "";
    socket.once("connect", () => (this.#wasOpen = true));
    socket.setTimeout(TIMEOUT_MS, () => this.#fail("timeout", `nothing for ${TIMEOUT_MS} ms`));
    socket.on("error", ({ message }) => (error = message));
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#fail(this.#wasOpen ? (this.#text === "" ? "reset" : "truncated") : "refused", error || "closed");
    });
    socket.on("data", (bytes: Buffer) => {
      this.#text += bytes.toString("latin1");
      this.#read();
    });
    return socket;
  }

  #read(): void {
    if (this.#pending === null) return;
    const text = this.#text;
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) return;
    const head = text.slice(0, end + 2).toLowerCase();
    const length = Number(headerOf(head, "content-length"));
    if (!head.startsWith("http/1.1 ") || !Number.isInteger(length)) {
      this.#fail("garbled", text.slice(0, 200));
      return;
    }
    const missing = end + 4 + length - text.length;
    if (missing > 0) return;
    const { number, resolve } = this.#pending;
    if (head.slice(9, 12) !== "200") this.#fail("status", text.slice(0, 200));
    else if (missing < 0) this.#fail("garbled", "more than the answer");
    else if (headerOf(head, "x-number") !== number) this.#fail("misdelivered", head);
    else {
      this.#pending = null;
      if (headerOf(head, "connection") === "close") this.#leave();
      resolve({
        ok: true,
        version: headerOf(head, "x-version"),
        instance: headerOf(head, "x-instance"),
        begunAt: Number(headerOf(head, "x-begun")),
      });
    }
  }

  /** A connection on which something went wrong is not used again. */
  #fail(failure: Failure, detail: string): void {
    const pending = this.#pending;
    this.#pending = null;
    this.#leave();
    pending?.resolve({ ok: false, failure, detail });
  }

  #leave(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }
}

/** Empty: it is not there. */
function headerOf(lowerCaseHead: string, name: string): string {
  const at = lowerCaseHead.indexOf(`\r\n${name}:`);
  if (at === -1) return "";
  return lowerCaseHead.slice(at + name.length + 3, lowerCaseHead.indexOf("\r\n", at + 2)).trim();
}

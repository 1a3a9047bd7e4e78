import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const SHOP = fileURLToPath(new URL("../../examples/shop", import.meta.url));

/** A process of the shop; killed when the test ends, however it ends. */
export class ShopProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  #output = "";
  #errors = "";
  #arrived: () => void = () => undefined;

  constructor(
    program: "server.ts" | "worker.ts",
    data: string,
    more: { folder?: string; env?: NodeJS.ProcessEnv } = {},
  ) {
    this.child = spawn(process.execPath, [program], {
      cwd: more.folder ?? SHOP,
      env: { ...process.env, SHOP_VERSION: undefined, PORT: "0", SHOP_DATA: data, ...more.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#exited = once(this.child, "close").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
    this.child.stdout?.on("data", (text: Buffer) => {
      this.#output += text.toString("utf8");
      this.#arrived();
    });
    this.child.stderr?.on("data", (text: Buffer) => {
      this.#errors += text.toString("utf8");
      this.#arrived();
    });
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits until the output, or what was written of errors, holds the text. */
  async says(text: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = text.exec(this.#output) ?? text.exec(this.#errors);
      if (match !== null) return match;
      const arrived = new Promise<"more">((resolve) => (this.#arrived = () => resolve("more")));
      if ((await Promise.race([arrived, this.#exited])) !== "more")
        throw new Error(`It ended without saying ${String(text)}:\n${this.#output}${this.#errors}`);
    }
  }

  async url(): Promise<string> {
    const [, url = ""] = await this.says(/listens on (http:\S+),/);
    return url;
  }

  terminate(): void {
    this.child.kill("SIGTERM");
  }

  exited(): Promise<{ readonly code: number | null; readonly signal: string | null }> {
    return this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exited;
  }
}

export interface Reply<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** Asks the shop; the body is what its JSON says. */
export async function ask<T>(
  url: string,
  more: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Reply<T>> {
  const answer = await fetch(url, {
    method: more.method ?? (more.body === undefined ? "GET" : "POST"),
    headers: more.headers ?? {},
    ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type") === "application/json";
  return { status: answer.status, headers: answer.headers, body: (isJson ? JSON.parse(text) : text) as T };
}

export interface Cart {
  readonly cart: string;
  readonly total: number;
}

export interface Order {
  readonly id: string;
  readonly total: number;
  readonly state: string;
  readonly acceptedBy: string;
}

export function fillCart(url: string, product = "basil", quantity = 1): Promise<Reply<Cart>> {
  return ask<Cart>(`${url}/cart`, { body: { lines: [{ product, quantity }] } });
}

export function checkOut(url: string, cart: string, key: string): Promise<Reply<Order>> {
  return ask<Order>(`${url}/checkout`, { body: { cart }, headers: { "idempotency-key": key } });
}

import type { Listener } from "../core/traffic/routing.ts";
import type { TakenSocket } from "../local/take-sockets.ts";
import { heldAlready, type HeldSocket, holdSocket } from "./held-socket.ts";

/** The listening sockets that a keeper holds, by the address that was asked for. */
export class HeldSockets {
  readonly #held = new Map<string, HeldSocket>();
  readonly #given: readonly TakenSocket[];

  /** `given`: sockets that somebody else keeps open for as long as this keeper lives (systemd), and nobody else can open. */
  constructor(given: readonly TakenSocket[] = []) {
    this.#given = given;
  }

  get(listener: Listener): HeldSocket | undefined {
    return this.#held.get(keyOf(listener));
  }

  hasAll(listeners: readonly Listener[]): boolean {
    return listeners.every((listener) => this.#held.has(keyOf(listener)));
  }

  /** Opens those that are missing: all, or none where one can't be. Faults: see held-socket.ts. */
  async open(listeners: readonly Listener[]): Promise<void> {
    const missing = listeners.filter((listener) => !this.#held.has(keyOf(listener)));
    const opened = await Promise.allSettled(missing.map((listener) => this.#open(listener)));
    const failed = opened.find((result) => result.status === "rejected");
    for (const [n, result] of opened.entries()) {
      if (result.status === "rejected") continue;
      if (failed === undefined) this.#held.set(keyOf(missing[n] as Listener), result.value);
      else result.value[Symbol.dispose]();
    }
    if (failed !== undefined) throw failed.reason;
  }

  /** Holds what another process has given: those that are meant, and no others. */
  async take(listeners: readonly Listener[], taken: readonly TakenSocket[]): Promise<void> {
    for (const listener of listeners) {
      if (this.#held.has(keyOf(listener))) continue;
      const socket = (await this.#givenFor(listener)) ?? (await heldAlready(listener, taken).catch(() => undefined));
      if (socket !== undefined) this.#held.set(keyOf(listener), socket);
    }
    const used = new Set([...this.#held.values()].map(({ handle }) => handle));
    for (const { handle } of taken) if (!used.has(handle)) handle.close();
  }

  letGo(listeners: readonly Listener[]): void {
    for (const listener of listeners) {
      this.#held.get(keyOf(listener))?.[Symbol.dispose]();
      this.#held.delete(keyOf(listener));
    }
  }

  letAllGo(): void {
    for (const socket of this.#held.values()) socket[Symbol.dispose]();
    this.#held.clear();
  }

  async #open(listener: Listener): Promise<HeldSocket> {
    return (await this.#givenFor(listener)) ?? holdSocket(listener);
  }

  /** It stays open when it is let go of: whoever asks for it again gets it again. */
  async #givenFor(listener: Listener): Promise<HeldSocket | undefined> {
    const socket = await heldAlready(listener, this.#given).catch(() => undefined);
    return socket === undefined ? undefined : { ...socket, [Symbol.dispose]: () => undefined };
  }
}

/** Those of `before` that `now` no longer asks for. */
export function withoutThese(before: readonly Listener[], now: readonly Listener[]): readonly Listener[] {
  return before.filter((old) => !now.some((next) => keyOf(next) === keyOf(old)));
}

function keyOf({ host, port }: Listener): string {
  return `${host}:${port}`;
}

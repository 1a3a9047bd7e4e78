import { Agent, type IncomingHttpHeaders } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { exchange } from "./exchange.ts";
import type { Outcome } from "./outcome.ts";
import type { Random } from "./random.ts";
import type { LoadOptions } from "../run-load.ts";
import { type Act, nextAct } from "./shopping.ts";
import type { Tally } from "./tally.ts";
import { cookieHeader, keepCookies, type Visitor } from "./visitors.ts";

/** An idle connection is given up before any server or proxy in between would: a race would be this client's own doing. */
const IDLE_MS = 2_000;
/** Part of the requests that come on a connection of their own. */
const FRESH = 0.03;
/** Part of the checkouts that an impatient customer sends twice at once. */
const DOUBLE_CLICKS = 0.02;
/** After a checkout without a good answer the customer tries again, with the same key. */
const TRY_AGAIN_MS = 400;

/** What the crowd has under way, and what it was promised. */
export class Customers {
  readonly accepted = new Map<string, number>();
  sent = 0;
  readonly #url: URL;
  readonly #tally: Tally;
  readonly #random: Random;
  readonly #agent: Agent;
  readonly #underWay = new Set<Promise<void>>();
  /** Of this run: a key that an earlier run used would find that run's order. */
  readonly #run = `order-${process.pid}-${Date.now().toString(36)}`;
  #keys = 0;

  constructor(options: LoadOptions, tally: Tally, random: Random) {
    this.#url = new URL(options.url);
    this.#tally = tally;
    this.#random = random;
    // Each kept connection takes its turn, so that none stays fresh at the cost of the others.
    this.#agent = new Agent({
      keepAlive: true,
      maxFreeSockets: options.connections,
      scheduling: "fifo",
      timeout: IDLE_MS,
    });
  }

  act(visitor: Visitor): void {
    const act = nextAct(visitor, () => this.#newKey(), this.#random);
    this.#track(this.#perform(visitor, act));
    if (act.kind === "checkout" && this.#random() < DOUBLE_CLICKS) this.#track(this.#perform(visitor, act));
  }

  /** Resolves when every request has ended. */
  async leave(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    this.#agent.destroy();
  }

  #track(work: Promise<void>): void {
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  async #perform(visitor: Visitor, act: Act): Promise<void> {
    const outcome = await this.#send(visitor, act);
    if (outcome.verdict === "ok") return this.#remember(visitor, act, outcome);
    if (act.kind !== "checkout") return;
    await sleep(TRY_AGAIN_MS);
    const second = await this.#send(visitor, act);
    if (second.verdict === "ok") this.#remember(visitor, act, second);
  }

  async #send(visitor: Visitor, act: Act): Promise<Outcome> {
    this.sent += 1;
    const outcome = await exchange({
      number: this.#tally.begin(visitor.id),
      visitor: visitor.id,
      url: this.#url,
      method: act.method,
      path: act.path,
      what: act.what,
      headers: { ...cookieHeader(visitor), ...(act.key === undefined ? {} : { "idempotency-key": act.key }) },
      ...(act.body === undefined ? {} : { body: act.body }),
      ...(this.#random() < FRESH ? {} : { agent: this.#agent }),
      onHead: (headers: IncomingHttpHeaders) => keepCookies(visitor, headers["set-cookie"]),
    });
    this.#tally.end(outcome);
    return outcome;
  }

  #remember(visitor: Visitor, act: Act, { body = "" }: Outcome): void {
    if (act.kind === "look") return;
    const answer = JSON.parse(body) as { readonly cart?: string; readonly id?: string; readonly total: number };
    if (act.kind === "cart") visitor.cart = answer.cart;
    else if (answer.id !== undefined) {
      visitor.lastOrder = answer.id;
      const told = this.accepted.get(answer.id) ?? answer.total;
      // Two totals for one order can't both be in the store.
      this.accepted.set(answer.id, told === answer.total ? told : Number.NaN);
    }
  }

  #newKey(): string {
    this.#keys += 1;
    return `${this.#run}-${this.#keys}`;
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import type { IncomingHttpHeaders } from "node:http";
import { openEventStream } from "./event-stream.ts";
import type { Order } from "./exchange.ts";
import { useLiveSocket } from "./live-socket.ts";
import type { HeldOpenReport } from "../load-report.ts";
import type { Failure, Outcome } from "./outcome.ts";
import { between, type Random } from "./random.ts";
import type { Tally } from "./tally.ts";
import { cookieHeader, keepCookies, type Visitor } from "./visitors.ts";
import { openWebSocket } from "./websocket-client.ts";

/** How something that was held open ended. */
export type Ending =
  | { readonly kind: "left" }
  | { readonly kind: "moved-on" }
  | { readonly kind: "dropped"; readonly failure: Failure; readonly detail: string };

export interface HeldOpen {
  readonly url: URL;
  readonly tally: Tally;
  readonly random: Random;
  readonly counts: { -readonly [K in keyof HeldOpenReport]: HeldOpenReport[K] };
}

type Opening = Pick<Order, "number" | "visitor" | "url" | "path" | "what" | "headers" | "onHead">;

export function holdWebSocket(context: HeldOpen, visitor: Visitor, signal: AbortSignal): Promise<void> {
  return hold(context, visitor, "/live", signal, async (opening) => {
    const { outcome, client } = await openWebSocket(opening);
    return client === undefined ? { outcome } : { outcome, ending: useLiveSocket(client, opening.number, signal) };
  });
}

export function holdEventStream(context: HeldOpen, visitor: Visitor, signal: AbortSignal): Promise<void> {
  return hold(context, visitor, "/events", signal, (opening) => openEventStream(opening, signal));
}

/** Opens, stays until the end, and opens again as a page in a browser does, until the signal. */
async function hold(
  { url, tally, random, counts }: HeldOpen,
  visitor: Visitor,
  path: string,
  signal: AbortSignal,
  open: (opening: Opening) => Promise<{ readonly outcome: Outcome; readonly ending?: Promise<Ending> }>,
): Promise<void> {
  const onHead = (headers: IncomingHttpHeaders): void => keepCookies(visitor, headers["set-cookie"]);
  while (!signal.aborted) {
    const number = tally.begin(visitor.id);
    const headers = cookieHeader(visitor);
    const { outcome, ending } = await open({
      number,
      visitor: visitor.id,
      url,
      path,
      what: `GET ${path}`,
      headers,
      onHead,
    });
    tally.end(outcome);
    if (ending !== undefined) {
      counts.opened += 1;
      counts.open += 1;
      const end = await ending;
      // What is still open at the end is left by us, and shown as open.
      if (end.kind === "left") return;
      counts.open -= 1;
      if (end.kind === "moved-on") counts.movedOn += 1;
      else {
        counts.dropped += 1;
        tally.drop(end.failure, outcome, end.detail);
      }
    }
    await sleep(between(random, 50, 500), undefined, { signal }).catch(() => undefined);
  }
}

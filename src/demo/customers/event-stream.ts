import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { type Order, PATIENCE_MS } from "./exchange.ts";
import type { Ending } from "./held-open.ts";
import { judgeAnswer, judgeError, originOf } from "./judge-answer.ts";
import { NUMBER_HEADER, type Outcome } from "./outcome.ts";
import { watchSilence } from "./silence.ts";

/** Opens a stream of server-sent events. Never rejects; `ending` is there when the outcome is "ok". */
export function openEventStream(
  order: Pick<Order, "number" | "visitor" | "url" | "path" | "what" | "headers" | "onHead">,
  signal: AbortSignal,
): Promise<{ readonly outcome: Outcome; readonly ending?: Promise<Ending> }> {
  return new Promise((resolve) => {
    const sentAt = Date.now();
    const began = performance.now();
    const outgoing = request({
      host: order.url.hostname,
      port: order.url.port,
      path: order.path,
      agent: false,
      headers: { host: order.url.host, accept: "text/event-stream", ...order.headers, [NUMBER_HEADER]: order.number },
    });
    const settle = (ended: Partial<Outcome> & Pick<Outcome, "verdict">, ending?: Promise<Ending>): void => {
      clearTimeout(timer);
      const { number, visitor, what } = order;
      const outcome: Outcome = { number, visitor, what, sentAt, tookMs: performance.now() - began, ...ended };
      resolve(ending === undefined ? { outcome } : { outcome, ending });
    };
    const timer = setTimeout(() => {
      settle({ verdict: "timeout", detail: `not open within ${PATIENCE_MS} ms` });
      outgoing.destroy();
    }, PATIENCE_MS);
    outgoing.on("error", (error) => settle({ verdict: judgeError(error), detail: error.message }));
    outgoing.once("response", (answer) => {
      order.onHead?.(answer.headers);
      const status = answer.statusCode ?? 0;
      const verdict = judgeAnswer(order.number, status, answer.headers);
      const origin = { status, ...originOf(answer.headers) };
      if (verdict !== "ok") {
        answer.resume();
        return settle({ verdict, detail: `${status} instead of a stream`, ...origin });
      }
      settle({ verdict, ...origin }, stay(outgoing, answer, signal));
    });
    outgoing.end();
  });
}

/** Listens until either side leaves. */
function stay(outgoing: ClientRequest, answer: IncomingMessage, signal: AbortSignal): Promise<Ending> {
  return new Promise((end) => {
    let isSilent = false;
    const silence = watchSilence(PATIENCE_MS, () => {
      isSilent = true;
      outgoing.destroy();
    });
    const leave = (): void => void outgoing.destroy();
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    answer.on("data", () => silence.heard());
    answer.on("error", () => undefined);
    answer.once("close", () => {
      silence.stop();
      signal.removeEventListener("abort", leave);
      if (signal.aborted) end({ kind: "left" });
      else if (isSilent) end({ kind: "dropped", failure: "timeout", detail: `silent for ${PATIENCE_MS} ms` });
      else if (answer.complete) end({ kind: "moved-on" });
      else end({ kind: "dropped", failure: "truncated", detail: "the stream was cut off" });
    });
  });
}

import assert from "node:assert/strict";
import { createManualClock, type ManualClock } from "../../src/adapters/clock/manual.ts";
import { createNotifier, type NotifierSettings } from "../../src/adapters/notify/notifier.ts";
import { type Fault, FaultError } from "../../src/core/fault.ts";
import type { NotifyTarget } from "../../src/core/plan/receiver.ts";
import { redactor } from "../../src/core/text/redact.ts";
import type { Message } from "../../src/core/release/effect.ts";
import type { Delivered, MessageContext } from "../../src/ports/notifier.ts";

export const AT = Date.UTC(2026, 0, 5, 12, 0, 0);
export const CONTEXT: MessageContext = { app: "shop", environment: "production", release: 42 };
export const ROLLED_BACK: Message = {
  topic: "rolled-back",
  title: "shop a1f09c → 9f2c1e production",
  sentence: "Rolled back at 5%: errors 5.9% (4/68) against 0.08% (1/1 302), limit 1.5x.",
  command: "tidegate status 42",
  at: AT,
};
export const NEEDED: Message = {
  ...ROLLED_BACK,
  topic: "needs-person",
  sentence: "No figures for 20m.",
  command: "tidegate ack 42",
  alert: { key: "shop/production/42-x/held-1", act: "open", severity: "critical" },
};

/** The acts upon one alert. */
export function acting(act: "open" | "acknowledge" | "resolve", sentence = NEEDED.sentence): Message {
  return { ...NEEDED, sentence, alert: { key: "shop/production/42-x/held-1", act, severity: "critical" } };
}

export interface Sent {
  readonly clock: ManualClock;
  readonly delivered: Promise<Delivered>;
  /** What went wrong; fails where nothing did. */
  fault(): Promise<Fault>;
}

/** Sends by a clock that the test moves. `values` are secrets. */
export function send(
  message: Message,
  target: NotifyTarget,
  values: Readonly<Record<string, string>>,
  more: Partial<NotifierSettings> & { readonly context?: MessageContext; readonly signal?: AbortSignal } = {},
): Sent {
  const clock = createManualClock(AT);
  const { context = CONTEXT, signal = new AbortController().signal, ...settings } = more;
  const notifier = createNotifier({
    clock,
    redact: redactor(Object.values(values)).text,
    values: () => values,
    terminal: () => undefined,
    ...settings,
  });
  const delivered = notifier.deliver(message, target, context, signal).then((taken) => taken ?? {});
  delivered.catch(() => undefined);
  return {
    clock,
    delivered,
    fault: async () => {
      const error: unknown = await delivered.then(
        () => assert.fail("it was delivered"),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof FaultError, String(error));
      // I8: whatever goes wrong, no secret is told.
      for (const value of Object.values(values)) {
        const said = JSON.stringify(error.fault);
        assert.ok(!said.includes(value), `${value} in ${said}`);
      }
      return error.fault;
    },
  };
}

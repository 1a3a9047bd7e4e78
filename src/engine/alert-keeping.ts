import { alertsToRenew, lastingAlerts } from "../core/decide/alerts.ts";
import { receiverName } from "../core/plan/receiver.ts";
import type { ReleaseEvent } from "../core/release/event.ts";
import type { Release } from "../core/release/release.ts";
import { MINUTE, SECOND } from "../core/time/time.ts";
import type { Ports } from "./api.ts";

/** Alertmanager wants to be told again and again for as long as an alert lasts. */
const RENEW_EVERY_MS = MINUTE;
const ASK_EVERY_MS = 15 * SECOND;

/**
 * What goes on beside the messages of the journal while an alert lasts: it is told again where its receiver forgets, and
 * receivers that take acknowledgements are asked for them. Neither is waited for.
 */
export interface AlertKeeping {
  look(release: Release): void;
  stop(): Promise<void>;
}

/** `acknowledged`: told when somebody has acknowledged at a receiver. */
export function createAlertKeeping(
  { clock, notifier }: Pick<Ports, "clock" | "notifier">,
  acknowledged: (event: ReleaseEvent) => Promise<void>,
): AlertKeeping {
  const stopped = new AbortController();
  let renewedAt = clock.monotonic();
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<unknown> = Promise.resolve();
  let renewing: Promise<unknown> = Promise.resolve();

  const renew = async (release: Release): Promise<void> => {
    const { app, environment, id } = release;
    const all = alertsToRenew(release, clock.wall()).map(({ message, target }) =>
      // That it began was taken; one that is not told again today is told again in a minute.
      notifier.deliver(message, target, { app, environment, release: id }, stopped.signal),
    );
    await Promise.allSettled(all);
  };

  const ask = async (release: Release): Promise<void> => {
    for (const alert of lastingAlerts(release, clock.wall())) {
      if (release.acknowledged[alert.name] !== undefined) continue;
      for (const target of release.plan.page?.to ?? []) {
        // One that does not say counts as not acknowledged: at worst somebody else is called too.
        const by = await notifier.acknowledgedBy?.(alert.key, target, stopped.signal).catch(() => null);
        if (typeof by !== "string" || stopped.signal.aborted) continue;
        await acknowledged({ type: "acknowledged", alerts: [alert.name], by, via: receiverName(target) });
        return;
      }
    }
  };

  return {
    look: (release) => {
      const now = clock.monotonic();
      if (now - renewedAt >= RENEW_EVERY_MS) {
        renewedAt = now;
        renewing = Promise.allSettled([renewing, renew(release)]);
      }
      if (now - askedAt < ASK_EVERY_MS || !isAskable(release, clock.wall())) return;
      askedAt = now;
      asking = Promise.allSettled([asking, ask(release)]);
    },
    stop: async () => {
      stopped.abort(new Error("the engine stops"));
      await Promise.all([asking, renewing]);
    },
  };
}

/** Only where a token was given there is anybody to ask, and only while somebody is waited for. */
function isAskable(release: Release, now: number): boolean {
  const { page } = release.plan;
  const hasToken = page?.to.some((target) => target.kind === "pagerduty" && target.token !== undefined) === true;
  return hasToken && lastingAlerts(release, now).some(({ name }) => release.acknowledged[name] === undefined);
}

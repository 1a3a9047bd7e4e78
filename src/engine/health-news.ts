import { faultOf } from "../core/fault.ts";
import { hearsOf, keepsAlerts, type NotifyTarget, receiverName } from "../core/plan/receiver.ts";
import type { Message } from "../core/release/effect.ts";
import type { Release } from "../core/release/release.ts";
import type { Ports } from "./api.ts";

/** Tells people that what serves is not well, and that it is again: outside releases no journal does. */
export interface HealthNews {
  /** `trouble`: null where all is well. Told when that changes; resolves when everybody has taken it, or can't. */
  tell(release: Release, trouble: string | null): Promise<void>;
}

export function createHealthNews(
  { clock, notifier }: Pick<Ports, "clock" | "notifier">,
  stopped: AbortSignal,
): HealthNews {
  /** What was said when it began. */
  let began: (Message & Required<Pick<Message, "alert">>) | null = null;

  const deliver = async (release: Release, target: NotifyTarget, message: Message): Promise<void> => {
    const { app, environment, id } = release;
    const context = { app, environment, release: id };
    try {
      await notifier.deliver(message, target, context, stopped);
    } catch (error) {
      if (stopped.aborted) return;
      const { what, cause } = faultOf(error, "notification-not-delivered", "A message could not be delivered.");
      const sentence = `${receiverName(target)} could not be told: ${what}${cause === undefined ? "" : ` ${cause}`}`;
      await notifier.deliver({ ...message, sentence }, { kind: "terminal" }, context, stopped);
    }
  };

  return {
    tell: async (release, trouble) => {
      if ((trouble === null) === (began === null)) return;
      const { app, environment } = release;
      const at = clock.wall();
      const message: Message = {
        topic: trouble === null ? "announcement" : "needs-person",
        title: `${app} ${environment} health`,
        sentence: trouble ?? "Every instance answers as ready again.",
        command: "tidegate status",
        at,
      };
      const key = `${app}/${environment}/health-${at.toString(36)}`;
      // Its receivers know an alert by the words with which it began.
      const alert: Message =
        began === null
          ? { ...message, alert: { key, act: "open", severity: "critical" } }
          : { ...began, alert: { ...began.alert, act: "resolve" } };
      began = began === null ? { ...message, alert: { key, act: "open", severity: "critical" } } : null;
      await Promise.allSettled([
        ...whomToTell(release, message).map((target) => deliver(release, target, message)),
        ...whomToCall(release, trouble === null).map((target) => deliver(release, target, alert)),
      ]);
    },
  };
}

/** Beside those whom the plan names, whoever reads what the engine says. */
function whomToTell({ plan }: Release, { topic }: Message): readonly NotifyTarget[] {
  const named = plan.notify.filter(
    (target) => target.kind !== "terminal" && target.kind !== "alertmanager" && hearsOf(target, topic),
  );
  return [{ kind: "terminal" }, ...named];
}

function whomToCall({ plan }: Release, isOver: boolean): readonly NotifyTarget[] {
  const called = plan.page?.on.includes("needs-person") === true ? plan.page.to : [];
  const keepers = plan.notify.filter((target) => target.kind === "alertmanager" && hearsOf(target, "needs-person"));
  return [...keepers, ...called].filter((target) => !isOver || keepsAlerts(target));
}

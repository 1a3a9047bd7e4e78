import { type NotifyTarget, receiverName } from "../../core/plan/receiver.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { Context } from "../context.ts";
import { type Finding, found } from "./finding.ts";

/** Whether messages could be sent, by their settings: nothing is sent, and nobody is asked. */
export async function lookAtReceivers(context: Context, plan: Plan): Promise<readonly Finding[]> {
  const { notify, page } = plan;
  const others = notify.filter(({ kind }) => kind !== "terminal");
  const called = [...(page?.to ?? []), ...(page?.else ?? []).filter((target) => !notify.includes(target))];
  const all = [...others, ...called];
  if (all.length === 0) return [];
  const notifier = await context.machinery.notifier(plan, () => undefined);
  const bad = all.flatMap((target) => {
    const fault = notifier.check(target);
    // A release goes well without messages too.
    return fault === null ? [] : [found("messages", "warn", `${fault.what} ${fault.cause ?? ""}`.trim(), fault.fix)];
  });
  const names = all.map(receiverName).join(", ");
  const well = found("messages", "ok", `to ${names}, by their settings; nothing was sent: tidegate notify test does`);
  return [...(bad.length === 0 ? [well] : bad), ...unheard(called)];
}

/** Whose acknowledgements nobody hears of. */
function unheard(called: readonly NotifyTarget[]): readonly Finding[] {
  return called.flatMap((target) =>
    target.kind === "pagerduty" && target.token === undefined
      ? [
          found(
            "messages",
            "info",
            `who acknowledges in PagerDuty is not seen here, because ${receiverName(target)} has no \`token\`: tidegate ack says it here and there`,
          ),
        ]
      : [],
  );
}

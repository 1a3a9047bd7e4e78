import type { Message } from "../../core/release/effect.ts";
import type { NotifyTarget } from "../../core/plan/receiver.ts";
import { DAY } from "../../core/time/time.ts";
import type { MessageContext } from "../../ports/notifier.ts";
import { type Delivery, postMessage } from "./post.ts";
import { type Called, webAddress } from "./settings.ts";
import { topicInWords } from "./topic-words.ts";

type Alertmanager = Extract<NotifyTarget, { readonly kind: "alertmanager" }>;

/**
 * How long an alert lasts there when nobody tells of it any more. Long: what waits for a person does so too where no
 * engine acts, and an alert that ends by itself would say that it does not.
 */
const LASTS_MS = DAY;

/**
 * POSTs the alert, which Alertmanager knows by its labels; its end comes with the same labels and annotations. What is
 * none has no place there. Source: Alertmanager API v2, postAlerts.
 */
export async function deliverToAlertmanager(
  message: Message,
  target: Alertmanager,
  context: MessageContext,
  settings: Delivery,
): Promise<void> {
  const { alert, topic, title, sentence, command, at } = message;
  if (alert === undefined || alert.act === "acknowledge") return;
  const { app, environment, release } = context;
  const called: Called = {
    receiver: `Alertmanager ("${target.name}")`,
    fix: "check its address, and that it runs: `amtool alert query --alertmanager.url=…`",
  };
  const now = settings.clock.wall();
  const body = [
    {
      labels: {
        alertname: "TidegateRelease",
        app,
        environment,
        release: String(release),
        topic,
        severity: alert.severity,
        alert: alert.key,
        ...target.labels,
      },
      annotations: {
        summary: `${topicInWords(topic)} · ${title}`,
        description: sentence,
        ...(command === undefined ? {} : { next: command }),
      },
      startsAt: new Date(Math.min(at ?? now, now)).toISOString(),
      endsAt: new Date(alert.act === "resolve" ? now : now + LASTS_MS).toISOString(),
    },
  ];
  const base = webAddress(target.url, called, settings);
  base.pathname = `${base.pathname.replace(/\/$/, "")}/api/v2/alerts`;
  await postMessage(
    { ...called, title, url: base, body: JSON.stringify(body), headers: () => ({}), isRepeatable: true },
    settings,
  );
}

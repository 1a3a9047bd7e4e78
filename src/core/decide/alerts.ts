import type { AlertPart, Message } from "../release/effect.ts";
import { keepsAlerts, type NotifyTarget, receiverName } from "../plan/receiver.ts";
import type { EffectProgress, Release } from "../release/release.ts";
import { formatDuration, type Instant } from "../time/time.ts";
import { type News, newsOf } from "./news.ts";
import { hears, type Telling } from "./telling.ts";

/** Something that lasts and is to be looked after. */
export interface Alert extends News {
  readonly severity: AlertPart["severity"];
  /** What its receivers know it by, from its beginning to its end; no other alert has it, of any release. */
  readonly key: string;
}

/** What lasts now. A rollback that Tidegate decided lasts until somebody has said that they look after it. */
export function lastingAlerts(release: Release, now: Instant, news = newsOf(release, now)): readonly Alert[] {
  return news.flatMap((news) => {
    const { severity, name, message } = news;
    if (severity === undefined) return [];
    if (message.topic === "rolled-back" && release.acknowledged[name] !== undefined) return [];
    return [{ ...news, severity, key: keyOf(release, name) }];
  });
}

/** Everything that receivers of alerts are to be told: beginning, acknowledgement, escalation, end. */
export function alertTellings(release: Release, now: Instant, news: readonly News[]): readonly Telling[] {
  if (!hasReceivers(release)) return [];
  const lasting = lastingAlerts(release, now, news);
  return [
    ...lasting.flatMap((alert) => openings(release, alert)),
    ...lasting.flatMap((alert) => escalations(release, alert, now)),
    ...acknowledgements(release),
    ...endings(release, new Set(lasting.map(({ key }) => key)), now),
  ];
}

/** Alerts that their receivers forget unless they are told again and again. */
export function alertsToRenew(
  release: Release,
  now: Instant,
): readonly { readonly message: Message; readonly target: NotifyTarget }[] {
  if (!hasReceivers(release)) return [];
  const lasting = new Set(lastingAlerts(release, now).map(({ key }) => key));
  return begun(release).flatMap(({ message, target, sent }) =>
    target.kind === "alertmanager" && sent.state === "confirmed" && lasting.has(message.alert.key)
      ? [{ message, target }]
      : [],
  );
}

/** Whether somebody else is to be called yet, should nobody say that they look after it. */
export function isEscalationAhead(release: Release, now: Instant, news: readonly News[]): boolean {
  if (release.plan.page === undefined) return false;
  return lastingAlerts(release, now, news).some((alert) => {
    const deadline = deadlineOf(release, alert);
    return deadline !== null && now < deadline;
  });
}

/** When somebody else is called; null: nobody is, or somebody looks after it already. */
export function deadlineOf(release: Release, { name, message, since }: Alert): Instant | null {
  const { page } = release.plan;
  if (page === undefined || page.else.length === 0 || !page.on.includes(message.topic)) return null;
  if (release.acknowledged[name] !== undefined) return null;
  const called = page.to.flatMap((target) => release.messages[`${OPEN}${name}@${receiverName(target)}`] ?? []);
  const reached = called.flatMap(({ state, endedAt }) =>
    state === "confirmed" && endedAt !== null ? [endedAt.wall] : [],
  );
  if (reached.length > 0) return Math.min(...reached) + page.ackMs;
  // Whoever is being called now has not had their time yet; one who can't be reached will not acknowledge anything.
  return called.length === 0 || called.some(({ state }) => state === "requested") ? null : since + page.ackMs;
}

/** Most plans have none, and are asked often. */
function hasReceivers({ plan }: Release): boolean {
  return plan.page !== undefined || plan.notify.some(({ kind }) => kind === "alertmanager");
}

/** Whether somebody else was called for it. */
export function hasEscalated({ messages }: Release, { name }: Alert): boolean {
  return Object.keys(messages).some((each) => each.startsWith(`${ESCALATE}${name}@`));
}

const OPEN = "alert-";
const ESCALATE = "escalate-";
const ACKNOWLEDGE = "acknowledge-";
const RESOLVE = "resolve-";

function openings(release: Release, alert: Alert): readonly Telling[] {
  const { notify, page } = release.plan;
  const { topic } = alert.message;
  const keepers = notify.filter((target) => target.kind === "alertmanager" && hears(alert, target));
  const called = page?.on.includes(topic) === true ? page.to : [];
  return [
    ...keepers.map((target) => telling(release, `${OPEN}${alert.name}`, opened(alert), target, alert.since)),
    ...called.map((target) =>
      telling(release, `${OPEN}${alert.name}`, asked(release, opened(alert)), target, alert.since),
    ),
  ];
}

function escalations(release: Release, alert: Alert, now: Instant): readonly Telling[] {
  const deadline = deadlineOf(release, alert);
  const { page } = release.plan;
  if (deadline === null || page === undefined || now < deadline) return [];
  const message = asked(release, opened(alert));
  const sentence = `Nobody has acknowledged this within ${formatDuration(page.ackMs)}. ${message.sentence}`;
  return page.else.map((target) =>
    telling(release, `${ESCALATE}${alert.name}`, { ...message, sentence }, target, deadline),
  );
}

function acknowledgements(release: Release): readonly Telling[] {
  return begun(release).flatMap(({ about, message, target }) => {
    const act = release.acknowledged[about];
    if (act === undefined || act.via === receiverName(target) || target.kind === "alertmanager") return [];
    const { by, reason, at } = act;
    const sentence = `Acknowledged by ${by}${reason === undefined ? "" : `: ${reason}`}.`;
    const said: Message = { ...message, sentence, at: at.wall, alert: { ...message.alert, act: "acknowledge" } };
    return [telling(release, `${ACKNOWLEDGE}${about}`, said, target, at.wall)];
  });
}

/** In the words with which it began: receivers know an alert by them. */
function endings(release: Release, lasting: ReadonlySet<string>, now: Instant): readonly Telling[] {
  return begun(release).flatMap(({ about, message, target, sent }) => {
    if (sent.state === "requested" || lasting.has(message.alert.key)) return [];
    const name = `${RESOLVE}${about}`;
    const since = release.messages[`${name}@${receiverName(target)}`]?.requestedAt.wall ?? now;
    return [telling(release, name, { ...message, alert: { ...message.alert, act: "resolve" } }, target, since)];
  });
}

interface Begun {
  /** The news that it is about. */
  readonly about: string;
  readonly message: Message & { readonly alert: AlertPart };
  readonly target: NotifyTarget;
  readonly sent: EffectProgress;
}

/** The alerts of which a receiver that keeps them knows, or may know. */
function begun(release: Release): readonly Begun[] {
  return Object.entries(release.messages).flatMap(([name, sent]) => {
    const prefix = [OPEN, ESCALATE].find((each) => name.startsWith(each));
    if (prefix === undefined || sent.effect.kind !== "notify") return [];
    const { message, to } = sent.effect;
    const { alert } = message;
    const [target] = to;
    if (alert === undefined || target === undefined || !keepsAlerts(target) || !hasPerhapsArrived(sent)) return [];
    return [{ about: name.slice(prefix.length, name.lastIndexOf("@")), message: { ...message, alert }, target, sent }];
  });
}

function hasPerhapsArrived({ state, fault }: EffectProgress): boolean {
  return state !== "failed" || fault?.code === "notification-uncertain";
}

function opened({ message, severity, key }: Alert): Message {
  return { ...message, alert: { key, act: "open", severity } };
}

/** With how to say that one looks after it. */
function asked({ id }: Release, message: Message): Message {
  return { ...message, command: `tidegate ack ${id}` };
}

function telling(release: Release, about: string, message: Message, target: NotifyTarget, since: Instant): Telling {
  const name = `${about}@${receiverName(target)}`;
  return { name, message, target, since, sent: release.messages[name] };
}

function keyOf({ app, environment, id, plannedAt }: Release, name: string): string {
  // Where a state folder was begun anew the numbers of its releases come again.
  return `${app}/${environment}/${id}-${plannedAt.wall.toString(36)}/${name}`;
}

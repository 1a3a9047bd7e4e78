import { type NotifyTarget, type Paging, type SlackPlace, type Topic, TOPICS } from "../../core/plan/receiver.ts";
import { MINUTE } from "../../core/time/time.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import { ALERT_TOPICS } from "../schema/receivers.ts";
import type { Told } from "./context.ts";
import { webhooksOf } from "./webhooks.ts";

type Entry = Exclude<PlanConfig["notify"], readonly unknown[]>;
type Written = Omit<Entry, "terminal" | "on">;

/** A phase is one of many steps on a good way: of a release that goes well people hear twice. */
const FOR_PEOPLE: readonly Topic[] = TOPICS.filter((topic) => topic !== "phase");
const CHANGES: readonly Topic[] = ["started", "live", "rolled-back"];
const FOR_A_PERSON: readonly Topic[] = ["needs-person", "failed"];
const USUAL_ACK_MS = 5 * MINUTE;

export interface Receivers {
  readonly notify: readonly NotifyTarget[];
  readonly page?: Paging;
}

/** The terminal, then the others in the order of the file, each under a name of its own. */
export function compileReceivers(config: PlanConfig, told: Told): Receivers {
  const isList = Array.isArray(config.notify);
  const entries: readonly Entry[] = Array.isArray(config.notify) ? config.notify : [config.notify];
  const names = new Set<string>(["terminal"]);
  const others = entries.flatMap((entry, index) => {
    const path: Path = isList ? ["notify", index] : ["notify"];
    return namedTargets(entry, path, names, told).map((target) => ({ ...target, ...heardBy(target, entry.on) }));
  });
  const notify = [...terminalOf(entries), ...others];
  const { page } = config;
  if (page === undefined) return { notify };
  const to = namedTargets(page, ["page"], names, told);
  if (to.length === 0)
    told.plan.push({
      code: "plan-value-invalid",
      what: "`page` calls nobody.",
      fix: 'Name a receiver: `page: { pagerduty: "${PD_KEY}" }`.',
      path: ["page"],
      on: "key",
      isAbsence: true,
    });
  const on: readonly Topic[] = page.on ?? FOR_A_PERSON;
  const instead = page.else === undefined ? null : namedTargets(page.else, ["page", "else"], names, told);
  const everybody = notify.filter(
    (target) =>
      target.kind !== "alertmanager" &&
      target.kind !== "pagerduty" &&
      on.some((topic) => target.on === undefined || target.on.includes(topic)),
  );
  return {
    notify,
    page: {
      to,
      on,
      ackMs: page.ack ?? USUAL_ACK_MS,
      else: instead ?? (page.ack === undefined ? [] : everybody),
    },
  };
}

function terminalOf(entries: readonly Entry[]): readonly NotifyTarget[] {
  if (entries.some(({ terminal }) => terminal === false)) return [];
  const own = entries.find(({ terminal }) => terminal === true);
  const on = own?.on === undefined || own.on === "all" ? {} : { on: [own.on].flat() as readonly Topic[] };
  return [{ kind: "terminal", ...on }];
}

function heardBy({ kind }: NotifyTarget, on: Entry["on"]): { readonly on?: readonly Topic[] } {
  if (on === "all") return kind === "alertmanager" ? { on: ALERT_TOPICS } : {};
  if (on !== undefined) return { on: Array.isArray(on) ? on : [on] };
  if (kind === "slack" || kind === "email") return { on: FOR_PEOPLE };
  if (kind === "pagerduty") return { on: CHANGES };
  return kind === "alertmanager" ? { on: ALERT_TOPICS } : {};
}

/** What is written of one place, under names that no other receiver has. */
function namedTargets(written: Written, path: Path, names: Set<string>, told: Told): readonly NotifyTarget[] {
  const targets = targetsOf(written, path, told);
  const given = written.name;
  if (given !== undefined && targets.length > 1) {
    const what = `\`${given}\` is the name of one receiver, and here stand ${targets.length}.`;
    const fix = "Write each of them as an item of its own.";
    told.plan.push({ code: "plan-value-invalid", what, fix, path: [...path, "name"], on: "value" });
  }
  return targets.map((target) => {
    if (target.kind === "terminal") return target;
    const wanted = given ?? target.name;
    const isOwn = given !== undefined || wanted !== target.kind;
    if (isOwn && names.has(wanted)) {
      const what = `There are two receivers \`${wanted}\`.`;
      told.plan.push({ code: "plan-value-invalid", what, fix: "Give one of them another name.", path, on: "key" });
    }
    const name = names.has(wanted) ? nextFree(wanted, names) : wanted;
    names.add(name);
    return { ...target, name };
  });
}

function nextFree(name: string, names: ReadonlySet<string>): string {
  for (let number = 2; ; number += 1) if (!names.has(`${name}-${number}`)) return `${name}-${number}`;
}

function targetsOf(
  { slack, email, webhook, pagerduty, alertmanager }: Written,
  path: Path,
  told: Told,
): readonly NotifyTarget[] {
  const targets: NotifyTarget[] = [];
  if (slack !== undefined) targets.push({ kind: "slack", name: "slack", to: slackPlace(slack) });
  if (email !== undefined) targets.push(mail(email, [...path, "email"], told));
  if (webhook !== undefined) targets.push(...webhooksOf(webhook, [...path, "webhook"], told));
  if (pagerduty !== undefined) {
    const { key, token, url, api } =
      typeof pagerduty === "string"
        ? { key: pagerduty, url: "https://events.pagerduty.com", api: "https://api.pagerduty.com" }
        : pagerduty;
    targets.push({ kind: "pagerduty", name: "pagerduty", key, url, api, ...(token === undefined ? {} : { token }) });
  }
  if (alertmanager !== undefined) {
    const { url, labels } = typeof alertmanager === "string" ? { url: alertmanager, labels: {} } : alertmanager;
    targets.push({ kind: "alertmanager", name: "alertmanager", url, labels });
  }
  return targets;
}

function slackPlace(written: NonNullable<Written["slack"]>): SlackPlace {
  return typeof written === "string" ? { kind: "webhook", url: written } : { kind: "channel", ...written };
}

function mail({ to, from, smtp }: NonNullable<Written["email"]>, path: Path, told: Told): NotifyTarget {
  // I8: the plan travels in the journal.
  if (/^smtps?:\/\/[^/@]*:[^/@]+@/.test(smtp) && !/^smtps?:\/\/[^/@]*:\$\{[A-Z0-9_]+\}@/.test(smtp)) {
    told.plan.push({
      code: "plan-value-invalid",
      what: "A password can't stand here in plain text: the plan is kept in the journal.",
      fix: "Write a reference to an environment variable: `smtp: ${SMTP_URL}`.",
      path: [...path, "smtp"],
      on: "value",
      isSecret: true,
    });
  }
  return { kind: "email", name: "email", to, smtp, ...(from === undefined ? {} : { from }) };
}

import type { ReleaseEvent } from "../../src/core/release/event.ts";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import { formatShare } from "../../src/core/traffic/share.ts";
import type { Fact } from "./fact.ts";

/** A fact as one line for people; null: too many of them say too little. */
export function traceLine(fact: Fact): string | null {
  const text = textOf(fact);
  if (text === null) return null;
  const seconds = (fact.at / 1_000).toFixed(3).padStart(9);
  const who = "by" in fact ? (typeof fact.by === "number" ? `engine ${fact.by}` : fact.by) : "";
  return `${seconds}  ${who.padEnd(9)} ${text}`;
}

function textOf(fact: Fact): string | null {
  switch (fact.kind) {
    case "process":
      // One that waits for its turn asks every second.
      if (fact.what === "found-another") return null;
      return `process ${fact.what}${fact.detail === undefined ? "" : `: ${fact.detail}`}`;
    case "acting":
      return `acts with epoch ${fact.epoch}`;
    case "appended":
      return fact.events
        .map(({ seq, event }) => `journal ${fact.release}#${seq} ${eventText(event)}`)
        .join(`\n${" ".repeat(21)}`);
    case "store-refused":
      return `journal refuses ${fact.method}: ${fact.code}`;
    case "asked":
      return `${fact.person} asks (${fact.request}) ${fact.body.kind === "release" ? `for a release of ${fact.body.version}${fact.body.supersede ? ", superseding" : ""}` : `of ${fact.release}: ${JSON.stringify(fact.body.command)}`}`;
    case "answered":
      return `answers (${fact.request}) ${fact.answer.kind}: ${fact.answer.kind === "refused" ? `${fact.answer.fault.code}: ${fact.answer.fault.what}` : fact.answer.sentence}`;
    case "table":
      return `in force: ${tableText(fact.table)}${fact.returned ? " (the lease ended)" : ""}`;
    case "claimed":
      return `claims epoch ${fact.epoch} at the ${fact.place}`;
    case "refused":
      return `${fact.method} fails: ${fact.code}`;
    case "instance":
      return `${fact.id} ${fact.what} (pid ${fact.pid})`;
    case "command":
      return `command ${fact.command} ${fact.what}`;
    case "schema":
      return `schema of release ${fact.release}: ${fact.what}`;
    case "task":
      return `${fact.what} of ${fact.of} ${fact.ok ? "passes" : "fails"}`;
    case "message":
      return `tells people (${fact.topic}) ${fact.sentence}${fact.delivered ? "" : ": not delivered"}`;
    case "trouble":
      return `~~ ${fact.what} ${fact.begins ? "begins" : "ends"}`;
    case "clock":
      return `~~ the clock is put by ${fact.byMs} ms`;
    case "healed":
      return "~~ all troubles end";
    case "pressed":
      return `${fact.person} presses ${fact.command}`;
    case "ended":
      return fact.quiet ? "~~ at rest" : "~~ not at rest";
    case "probed":
    case "read":
    case "renewed":
    case "counted":
    case "observed":
    case "status":
      return null;
  }
}

function tableText({ release, revision, epoch, stable, candidate, share, lease }: RoutingTable): string {
  const side = (backend: RoutingTable["stable"]): string =>
    backend === null
      ? "nobody"
      : `${backend.version}[${backend.instances.map(({ id, draining }) => (draining ? `${id}:draining` : id)).join(" ")}]`;
  return `release ${release} revision ${revision} epoch ${epoch}: ${side(stable)} | ${side(candidate)} ${formatShare(share)}${lease === null ? "" : ` lease ${lease.unwatchedMs}ms → ${lease.do}`}`;
}

function eventText(event: ReleaseEvent): string {
  const { type } = event;
  if (type === "planned")
    return `planned ${event.stable?.version ?? "nothing"} → ${event.candidate.version} by ${event.by}: ${event.plan.steps.map(({ id }) => id).join(" ")}`;
  if (type === "effect-requested")
    return `${type} ${event.key} try ${event.try} ${JSON.stringify(event.effect).slice(0, 120)}`;
  if (type === "effect-confirmed") return `${type} ${event.key}`;
  if (type === "effect-failed") return `${type} ${event.key}: ${event.fault.code}`;
  if (type === "held")
    return `held ${event.step}${event.needsPerson ? " for a person" : ""}: ${event.because.sentence}`;
  if (type === "step-passed" || type === "step-failed") return `${type} ${event.step}: ${event.because.sentence}`;
  if (type === "rollback-decided") return `${type}: ${event.because.sentence}`;
  if (type === "verdict-changed") {
    const { metric, verdict, level = "", sentence } = event.verdict;
    return `${type} ${metric} ${verdict} ${level}: ${sentence}`;
  }
  return JSON.stringify(event);
}

import { resolve } from "node:path";
import type { Plan } from "../../core/plan/plan.ts";
import type { PinRule, Sticky, TlsFiles, TrafficPlan } from "../../core/plan/traffic.ts";
import { formatDuration, MINUTE, SECOND } from "../../core/time/time.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { CompileContext, Told } from "./context.ts";
import { compileHaproxy } from "./haproxy.ts";

type TrafficConfig = NonNullable<PlanConfig["traffic"]>;

/** What a plan of workers alone has: nothing listens. */
const NO_TRAFFIC: TrafficPlan = {
  kind: "embedded",
  listen: [],
  sticky: { kind: "cookie", name: "tidegate" },
  pins: { header: "x-tidegate-version" },
  timeouts: { headersMs: 10 * SECOND, idleMs: MINUTE, connectMs: 2 * SECOND },
};

export function compileTraffic(config: PlanConfig, context: CompileContext, told: Told): TrafficPlan {
  const { traffic } = config;
  if (traffic === undefined) return NO_TRAFFIC;
  tellWhichPlane(traffic, told);
  const haproxy = compileHaproxy(config, context, told);
  return {
    kind: haproxy === null ? "embedded" : "haproxy",
    ...(haproxy === null
      ? { listen: compileListeners(traffic, context, told) }
      : { listen: haproxy.front, haproxy: haproxy.plan }),
    sticky: compileSticky(traffic.sticky),
    pins: compilePins(traffic, told),
    timeouts: {
      headersMs: traffic.timeouts.headers,
      idleMs: traffic.timeouts.idle,
      connectMs: traffic.timeouts.connect,
    },
    ...compilePause(traffic, told),
  };
}

function tellWhichPlane({ embedded, haproxy }: TrafficConfig, told: Told): void {
  if ((embedded === undefined) !== (haproxy === undefined)) return;
  const isNone = embedded === undefined;
  told.plan.push({
    code: isNone ? "plan-key-missing" : "plan-value-invalid",
    what: isNone ? "`traffic` does not say who splits it." : "The traffic is split by one of them, not by both.",
    fix: "Write `embedded: 8080` (Tidegate's own proxy), or `haproxy: /run/haproxy/admin.sock` (your own).",
    path: isNone ? ["traffic"] : ["traffic", "haproxy"],
    on: "key",
    ...(isNone ? { isAbsence: true as const } : {}),
  });
}

/** Clients give up after a while: a pause that outlasts their patience is an outage. */
const LONGEST_PAUSE = MINUTE;

function compilePause({ pause }: TrafficConfig, told: Told): Pick<TrafficPlan, "pause"> {
  if (pause === undefined) return {};
  if (pause === 0 || pause > LONGEST_PAUSE) {
    told.plan.push({
      code: "plan-value-invalid",
      what: pause === 0 ? "A pause of no time holds nobody." : "Requests can't be held for longer than a minute.",
      fix: "Write how long requests of yours take at most: `pause: 10s`.",
      path: ["traffic", "pause"],
      on: "value",
    });
  }
  return { pause: { forMs: pause } };
}

/** Shorter, and a machine that is busy for a moment would give the traffic back. */
const SHORTEST_UNWATCHED = 2 * SECOND;
const UNWATCHED: Plan["unwatched"] = { afterMs: 2 * MINUTE, do: "stable" };

export function compileUnwatched({ traffic }: PlanConfig, told: Told): Plan["unwatched"] {
  if (traffic === undefined) return UNWATCHED;
  const { after, do: act } = traffic.unwatched;
  if (after < SHORTEST_UNWATCHED) {
    told.plan.push({
      code: "plan-value-invalid",
      what: `${formatDuration(after)} is too short a time to be sure that nobody watches.`,
      fix: "Give it 2s or more; 2m is usual.",
      path: ["traffic", "unwatched", "after"],
      on: "value",
    });
  }
  return { afterMs: after, do: act };
}

function compileListeners(traffic: TrafficConfig, { folder }: CompileContext, told: Told): TrafficPlan["listen"] {
  const taken = new Set<string>();
  return (traffic.embedded ?? []).map((written, index) => {
    const path: Path = ["traffic", "embedded", index];
    const { host, port, tls } = readListener(written);
    if (port > 65_535) {
      const what = `${port} is not a port.`;
      told.plan.push({ code: "plan-value-invalid", what, fix: "Ports end at 65535.", path, on: "value" });
    }
    if (port !== 0 && taken.has(`${host}:${port}`)) {
      const what = `\`${host}:${port}\` is listened on twice.`;
      told.plan.push({ code: "plan-value-invalid", what, fix: "Remove one of them.", path, on: "value" });
    }
    taken.add(`${host}:${port}`);
    if (tls === undefined) return { host, port };
    return { host, port, tls: { certificate: resolve(folder, tls.certificate), key: resolve(folder, tls.key) } };
  });
}

function readListener(written: NonNullable<TrafficConfig["embedded"]>[number]): {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
} {
  if (typeof written === "number") return { host: "127.0.0.1", port: written };
  if (typeof written !== "string") return written;
  const colon = written.lastIndexOf(":");
  return { host: written.slice(0, colon).replaceAll(/[[\]]/g, ""), port: Number(written.slice(colon + 1)) };
}

function compileSticky(written: string): Sticky {
  const [kind = "", name] = written.split(" ");
  if (kind.toLowerCase() === "none") return { kind: "none" };
  if (kind.toLowerCase() === "header") return { kind: "header", name: (name ?? "").toLowerCase(), cookie: "tidegate" };
  return { kind: "cookie", name: name ?? "tidegate" };
}

function compilePins({ pins }: TrafficConfig, told: Told): PinRule {
  const header = pins.header.toLowerCase();
  if (pins.token === undefined) return { header };
  // I8: the plan travels in the journal.
  if (!/^\$\{[A-Z_][A-Z0-9_]*\}$/.test(pins.token)) {
    told.plan.push({
      code: "plan-value-invalid",
      what: "A secret can't stand here in plain text: the plan is kept in the journal.",
      fix: "Write a reference to an environment variable: `token: ${PIN_TOKEN}`.",
      path: ["traffic", "pins", "token"],
      on: "value",
      isSecret: true,
    });
  }
  return { header, token: pins.token };
}

import type { HealthSeen, InstanceSeen, ProbeAnswer } from "../core/observation.ts";
import type { Health, Service } from "../core/plan/service.ts";
import { formatDuration, SECOND } from "../core/time/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { HealthProbe } from "../ports/health.ts";

/** Until it was ready once, an instance is asked often: a start should not wait for the slow rhythm of a watch. */
const EAGER_MS = 150;

type Rules = Pick<Health, "everyMs" | "timeoutMs" | "rise" | "fall" | "delayMs">;

const TCP_HEALTH: Rules = {
  everyMs: SECOND,
  timeoutMs: SECOND,
  rise: 1,
  fall: 3,
  delayMs: 0,
};

/** A process that can't be asked shows nothing but that it lives: one that ends right after its start is not ready. */
const LIVES_FOR = 2 * SECOND;

const WORKER_HEALTH: Rules = { ...TCP_HEALTH, delayMs: LIVES_FOR };

interface Probed {
  /** The process that was asked: another pid starts from nothing. */
  readonly pid: number | undefined;
  readonly since: number;
  nextAt: number;
  asking: boolean;
  good: number;
  bad: number;
  badLive: number;
  /** When its readiness was last seen good. */
  readyAtMonotonic: number | undefined;
  seen: HealthSeen;
}

/** Asks every instance for its health in its own rhythm. Each process is judged anew: a restart forgets the past. */
export interface Prober {
  /** Begins the probes that are due; answers come in by themselves. */
  probe(instances: readonly InstanceSeen[], services: readonly Service[]): void;
  seen(): Readonly<Record<string, HealthSeen>>;
  /** What is known of processes that are none of these was another life's. */
  forgetOthers(instances: readonly InstanceSeen[]): void;
}

export function createProber(probe: HealthProbe, clock: Clock, changed: () => void): Prober {
  const probed = new Map<string, Probed>();

  const answered = (instance: InstanceSeen, service: Service, mine: Probed, answers: Answered): void => {
    mine.asking = false;
    if (probed.get(instance.id) !== mine) return;
    take(mine, answers, service.health ?? (instance.address === undefined ? WORKER_HEALTH : TCP_HEALTH), clock);
    changed();
  };

  const begin = (instance: InstanceSeen, service: Service): void => {
    let state = probed.get(instance.id);
    if (state === undefined) {
      const now = clock.monotonic();
      state = {
        pid: instance.pid,
        since: now,
        nextAt: now,
        asking: false,
        good: 0,
        bad: 0,
        badLive: 0,
        readyAtMonotonic: undefined,
        seen: { instance: instance.id, ready: false, down: false, live: true },
      };
      probed.set(instance.id, state);
    }
    const ended = whyDown(instance);
    if (ended !== null) {
      state.seen = {
        ...state.seen,
        ready: false,
        down: true,
        last: { at: clock.wall(), ok: false, tookMs: 0, text: ended },
      };
      state.good = 0;
      return;
    }
    if (state.asking || clock.monotonic() < state.nextAt) return;
    state.asking = true;
    const mine = state;
    const askedAt = clock.monotonic();
    void ask(probe, instance, service, { clock, since: state.since }).then((answers) =>
      answered(instance, service, mine, { ...answers, askedAt }),
    );
  };

  return {
    probe: (instances, services) => {
      for (const instance of instances) {
        const service = services.find(({ name }) => name === instance.service);
        if (service !== undefined) begin(instance, service);
      }
    },
    seen: () => Object.fromEntries([...probed].map(([id, state]) => [id, dated(state, clock)])),
    forgetOthers: (instances) => {
      const pids = new Map(instances.map(({ id, pid }) => [id, pid]));
      for (const [id, { pid }] of probed) if (!pids.has(id) || pids.get(id) !== pid) probed.delete(id);
    },
  };
}

/** Why it can't serve, whatever it would answer. What runs it has asked its own check often enough; null: it may be asked. */
function whyDown({ state, ownCheck }: InstanceSeen): string | null {
  if (state !== "running" && state !== "starting") return `its process is ${state}`;
  if (ownCheck?.state !== "unhealthy") return null;
  return `its own health check fails${ownCheck.says === "" ? "" : `: ${ownCheck.says}`}`;
}

/** On today's wall: a clock that was put back must not make an old answer a new one. */
function dated({ seen, readyAtMonotonic }: Probed, clock: Clock): HealthSeen {
  if (readyAtMonotonic === undefined) return seen;
  return { ...seen, readyAt: Math.round(clock.wall() - (clock.monotonic() - readyAtMonotonic)) };
}

interface Answers {
  readonly ready: ProbeAnswer;
  readonly live?: ProbeAnswer;
  readonly depends?: ProbeAnswer;
}

interface Answered extends Answers {
  /** By the monotonic clock. */
  readonly askedAt: number;
}

async function ask(
  probe: HealthProbe,
  instance: InstanceSeen,
  service: Service,
  { clock, since }: { readonly clock: Clock; readonly since: number },
): Promise<Answers> {
  const { health } = service;
  const { address } = instance;
  if (instance.ownCheck?.state === "starting")
    return { ready: { at: clock.wall(), ok: false, tookMs: 0, text: "its own health check has not passed yet" } };
  if (address === undefined) return { ready: { at: clock.wall(), tookMs: 0, ...ofWorker(instance, clock, since) } };
  if (health === undefined) return { ready: await probe.tcp(address, TCP_HEALTH.timeoutMs) };
  const get = (path: string): Promise<ProbeAnswer> => probe.http(`http://${address}${path}`, health.timeoutMs);
  const [ready, live, depends] = await Promise.all([
    get(health.ready),
    health.live === undefined ? undefined : get(health.live),
    health.depends === undefined ? undefined : get(health.depends),
  ]);
  return { ready, ...(live === undefined ? {} : { live }), ...(depends === undefined ? {} : { depends }) };
}

/** `since`: when it was first looked at, by the monotonic clock. Its own check, where it has one, has passed. */
function ofWorker(
  { ownCheck, startedAt }: InstanceSeen,
  clock: Clock,
  since: number,
): Pick<ProbeAnswer, "ok" | "text"> {
  const livedMs = Math.max(clock.monotonic() - since, startedAt === undefined ? 0 : clock.wall() - startedAt);
  if (ownCheck?.state === "healthy" || livedMs >= LIVES_FOR) return { ok: true, text: "its process runs" };
  return { ok: false, text: `its process has run for less than ${formatDuration(LIVES_FOR)}` };
}

function take(state: Probed, { ready, live, depends, askedAt }: Answered, rules: Rules, clock: Clock): void {
  const { rise, fall, everyMs, delayMs } = rules;
  state.good = ready.ok ? state.good + 1 : 0;
  // The first moments of a process do not count against it.
  const early = clock.monotonic() - state.since < delayMs;
  state.bad = ready.ok || early ? 0 : state.bad + 1;
  state.badLive = live === undefined || live.ok || early ? 0 : state.badLive + 1;
  const wasReady = state.seen.ready;
  const isReady = wasReady ? state.bad < fall : state.good >= rise;
  // Not from when it is read: this process may have been stopped in between, for as long as you like.
  if (ready.ok && isReady) state.readyAtMonotonic = askedAt;
  state.seen = {
    instance: state.seen.instance,
    ready: isReady,
    down: !isReady && state.bad >= fall,
    live: state.badLive < fall,
    last: ready,
    ...(depends === undefined ? {} : { depends }),
  };
  state.nextAt = clock.monotonic() + (isReady ? everyMs : Math.min(everyMs, EAGER_MS));
}

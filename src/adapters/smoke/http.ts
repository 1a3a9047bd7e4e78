import type { SmokeFlow, SmokeOutcome, SmokeRequest } from "../../core/smoke/smoke.ts";
import type { Duration } from "../../core/time/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CommandRunner, SmokeRunner, Target } from "../../ports/tasks.ts";
import { askHttp } from "./ask-http.ts";
import { askCommand, askTcp } from "./ask-other.ts";
import { beginStory, type Story } from "./story.ts";

export interface SmokeSettings {
  readonly commands: CommandRunner;
  readonly clock: Clock;
  /** Hides secrets in what is told of a failure. */
  readonly redact: (text: string) => string;
  /** Values for `${UPPER}` in flows; looked up at each run. */
  readonly values: () => Readonly<Record<string, string>>;
}

type FlowOutcome = SmokeOutcome["flows"][number];

/**
 * Tells flows to a version, one after the other; all of them, so that a failure shows whole. A flow has passed when its
 * requests and its clean-up have: an app that can't take back what it did is not as expected either.
 */
export function createSmokeRunner(settings: SmokeSettings): SmokeRunner {
  return {
    async run(flows, target, signal) {
      const outcomes: FlowOutcome[] = [];
      for (const flow of flows) outcomes.push(await runFlow(flow, target, signal, settings));
      return { passed: outcomes.every(({ passed }) => passed), flows: outcomes };
    },
  };
}

async function runFlow(
  flow: SmokeFlow,
  target: Target,
  signal: AbortSignal,
  settings: SmokeSettings,
): Promise<FlowOutcome> {
  const startedAt = settings.clock.monotonic();
  const story = beginStory(flow, target, settings.values(), settings.redact);
  const told = (failure: string | null, cleanupFailure: string | null): FlowOutcome => ({
    name: flow.name,
    passed: failure === null && cleanupFailure === null,
    tookMs: Math.round(settings.clock.monotonic() - startedAt),
    ...(failure === null ? {} : { failure: story.redact(failure) }),
    ...(cleanupFailure === null ? {} : { cleanupFailure: story.redact(cleanupFailure) }),
  });
  if (signal.aborted) return told("not run: stopped before", null);
  if (story.baseUrl === undefined) return told(`there is no address of the service ${flow.service}`, null);

  let failure: string | null = null;
  for (const request of flow.requests) {
    failure = await attempt(request, story, signal, settings);
    if (failure !== null) break;
  }
  return told(failure, await cleanUp(flow, story, settings));
}

/** Each of the requests, whatever became of the others. Nobody's abort reaches it: their own time-outs bound it. */
async function cleanUp(flow: SmokeFlow, story: Story, settings: SmokeSettings): Promise<string | null> {
  const never = new AbortController().signal;
  let first: string | null = null;
  for (const request of flow.cleanup) {
    const failure = await attempt(request, story, never, settings);
    first ??= failure;
  }
  return first;
}

const FIRST_PAUSE: Duration = 250;
const LONGEST_PAUSE: Duration = 2_000;

/** One request with its tries; null: as expected. */
async function attempt(
  request: SmokeRequest,
  story: Story,
  signal: AbortSignal,
  settings: SmokeSettings,
): Promise<string | null> {
  const tries = Math.max(1, request.attempts);
  for (let count = 1; ; count += 1) {
    const problem = await ask(request, story, signal, settings);
    if (problem === null) return null;
    if (signal.aborted) return `${nameOf(request)}: stopped before its end`;
    if (count >= tries) return `${nameOf(request)}: ${problem}${count > 1 ? ` (${count} tries)` : ""}`;
    const pause = Math.min(FIRST_PAUSE * 2 ** (count - 1), LONGEST_PAUSE);
    // An abort is seen at the top of the next round.
    await settings.clock.sleep(pause, signal).catch(() => undefined);
  }
}

async function ask(
  request: SmokeRequest,
  story: Story,
  signal: AbortSignal,
  { commands, clock }: SmokeSettings,
): Promise<string | null> {
  if (request.kind === "http") return askHttp(request, story, signal, clock);
  if (request.kind === "tcp") return askTcp(request, story, signal);
  return askCommand(request, story, signal, commands);
}

function nameOf(request: SmokeRequest): string {
  if (request.kind !== "http") return request.name;
  const line = `${request.method} ${request.path}`;
  return request.name === line || request.name === "" ? line : `${request.name} (${line})`;
}

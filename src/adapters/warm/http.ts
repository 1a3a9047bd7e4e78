import { faultOf } from "../../core/fault.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import type { Warm } from "../../core/plan/step.ts";
import { fillReferences } from "../../core/text/references.ts";
import { type Duration, formatDuration, SECOND } from "../../core/time/time.ts";
import { exchange } from "../../local/http-exchange.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CommandRunner, Target, Warmer } from "../../ports/tasks.ts";

export interface WarmSettings {
  readonly commands: CommandRunner;
  readonly clock: Clock;
  readonly redact: (text: string) => string;
  /** Values for `${UPPER}` in pages. */
  readonly values: () => Readonly<Record<string, string>>;
}

/** A cold page may take long, and is what warming is for; but one that never answers must not hide the others. */
const LONGEST_VISIT: Duration = 30 * SECOND;
const FIRST_PAUSE: Duration = 100;
const LONGEST_PAUSE: Duration = 2 * SECOND;

/** Visits the pages round after round, one page after the other, so that the times are the app's and not the queue's. */
export function createWarmer(settings: WarmSettings): Warmer {
  const { clock } = settings;
  return {
    async warm(warm, target, signal) {
      const baseUrl = target.baseUrls[warm.service];
      if (baseUrl === undefined) {
        return { warm: false, rounds: 0, slowestMs: 0, detail: `there is no address of the service ${warm.service}` };
      }
      const endsAt = clock.monotonic() + warm.boundMs;
      const left = (): Duration => endsAt - clock.monotonic();
      // A shell line that says warm is believed at once; times have to be good a few times in a row.
      const wanted = warm.until === undefined ? Math.max(1, warm.rounds) : 1;
      let rounds = 0;
      let inARow = 0;
      let last: Round = { good: false, slowestMs: 0, slowest: "", problem: "no page was visited" };
      while (left() > 0 && !signal.aborted) {
        const round = await visitAll(warm, { ...target, baseUrl }, left, signal, settings);
        rounds += 1;
        inARow = round.good ? inARow + 1 : 0;
        // A round that the bound cut short tells of the bound, not of the app: the one before tells more.
        if (round.good || left() > 0 || rounds === 1) last = round;
        if (inARow >= wanted) break;
        if (last.good) continue;
        const pause = Math.min(FIRST_PAUSE * 2 ** Math.min(rounds - 1, 10), LONGEST_PAUSE, Math.max(0, left()));
        await clock.sleep(pause, signal).catch(() => undefined);
      }
      const isWarm = inARow >= wanted;
      const detail = isWarm ? proofOf(warm, last, inARow) : whyNot(warm, last, rounds, signal.aborted);
      return { warm: isWarm, rounds, slowestMs: last.slowestMs, detail: settings.redact(detail) };
    },
  };
}

interface Round {
  readonly good: boolean;
  readonly slowestMs: Duration;
  readonly slowest: string;
  readonly problem?: string;
}

async function visitAll(
  warm: Warm,
  target: Target & { readonly baseUrl: string },
  left: () => Duration,
  signal: AbortSignal,
  settings: WarmSettings,
): Promise<Round> {
  let slowestMs = 0;
  let slowest = "";
  let problem: string | undefined;
  for (const page of warm.pages) {
    const visit = await visitPage(page, target, Math.max(1, Math.min(left(), LONGEST_VISIT)), signal, settings);
    if (visit.tookMs >= slowestMs) [slowestMs, slowest] = [visit.tookMs, page];
    problem ??= visit.problem;
    if (signal.aborted) break;
  }
  if (problem === undefined && warm.until !== undefined) {
    problem = await askUntil(warm.until, target, left(), signal, settings.commands);
  } else if (problem === undefined && slowestMs > warm.withinMs) {
    problem = `${slowest} took ${formatDuration(slowestMs)}, wanted ${formatDuration(warm.withinMs)}`;
  }
  return { good: problem === undefined, slowestMs, slowest, ...(problem === undefined ? {} : { problem }) };
}

/** Any answer below 400 counts as a visit; it is read to its end, for that is what fills caches. */
async function visitPage(
  page: string,
  target: Target & { readonly baseUrl: string },
  timeoutMs: Duration,
  signal: AbortSignal,
  { values, redact }: WarmSettings,
): Promise<{ readonly tookMs: Duration; readonly problem?: string }> {
  const path = fillReferences(page, { ...values(), version: target.version });
  const result = await exchange({
    url: `${target.baseUrl}${path.startsWith("/") ? path : `/${path}`}`,
    headers: { accept: "*/*", "user-agent": "tidegate-warm", ...target.headers },
    timeoutMs,
    keepBytes: 4_096,
    beyond: "discard",
    isEnough: ({ headers }) => headers["content-type"]?.startsWith("text/event-stream") === true,
    signal,
    insecureTls: target.insecureTls,
  });
  if (!result.answered) return { tookMs: result.tookMs, problem: `${page}: ${result.what}` };
  if (result.status < 400) return { tookMs: result.tookMs };
  const text = onOneLine(redact(result.body.toString("utf8")), 100);
  return { tookMs: result.tookMs, problem: `${page} answers ${result.status}${text === "" ? "" : `: ${text}`}` };
}

/** Runs the shell line that says warm by its exit code 0. */
async function askUntil(
  command: string,
  target: Target & { readonly baseUrl: string },
  left: Duration,
  signal: AbortSignal,
  commands: CommandRunner,
): Promise<string | undefined> {
  const env = { TIDEGATE_URL: target.baseUrl, TIDEGATE_VERSION: target.version };
  try {
    const { code, timedOut, output } = await commands.run(command, { env, timeoutMs: Math.max(1, left), signal });
    if (code === 0 && !timedOut) return undefined;
    const said = output.findLast((line) => line.trim() !== "");
    return `the check says not warm (${timedOut ? "no end in time" : `code ${code ?? "none"}`})${said === undefined ? "" : `: ${said.trim()}`}`;
  } catch (error) {
    return faultOf(error, "command-not-started", "The check could not be run").what;
  }
}

function proofOf({ pages, withinMs, until }: Warm, { slowestMs, slowest }: Round, inARow: number): string {
  const visited = `${pages.length} ${pages.length === 1 ? "page" : "pages"}`;
  if (until !== undefined) return `the check says warm after ${visited}`;
  const times = inARow === 1 ? "once" : `${inARow} times in a row`;
  return `${visited} within ${formatDuration(withinMs)}, ${times}; the slowest ${formatDuration(slowestMs)} (${slowest})`;
}

function whyNot({ boundMs }: Warm, { problem }: Round, rounds: number, aborted: boolean): string {
  if (aborted) return `stopped after ${rounds} ${rounds === 1 ? "round" : "rounds"}`;
  return `not warm after ${formatDuration(boundMs)} and ${rounds} ${rounds === 1 ? "round" : "rounds"}: ${problem ?? "not good often enough in a row"}`;
}

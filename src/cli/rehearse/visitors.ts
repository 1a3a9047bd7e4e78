import { request } from "node:http";
import { formatCount } from "../../core/analysis/figures.ts";
import { NO_REQUESTS, type RequestCount } from "../../core/rehearsal/rehearsal.ts";

/** One that is sent again and again. */
export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Who asks the front door of a rehearsal, in an even rhythm. Disposing of it waits for the last answers. */
export interface Visitors extends AsyncDisposable {
  count(): RequestCount;
  /** What went wrong, each with how often it did. */
  failures(): readonly string[];
  /** Nobody asks until `resume`; resolves when no answer is awaited any more. */
  pause(): Promise<void>;
  resume(): void;
}

const ANSWER_MS = 30_000;
const MOST_FAILURES = 5;

export function sendRequests(port: number, requests: readonly SentRequest[], perSecond: number): Visitors {
  let count: RequestCount = NO_REQUESTS;
  const failures = new Map<string, number>();
  const open = new Set<Promise<void>>();
  let next = 0;
  let timer: NodeJS.Timeout | null = null;

  const note = (what: string): void => {
    if (failures.has(what) || failures.size < MOST_FAILURES) failures.set(what, (failures.get(what) ?? 0) + 1);
  };
  const fail = (what: string): void => {
    count = { ...count, failed: count.failed + 1 };
    note(what);
  };
  const sendOne = async (one: SentRequest): Promise<void> => {
    const answer = await ask(port, one);
    const what = `${one.method} ${one.path}`;
    if (typeof answer === "string") return fail(`${what}: ${answer}`);
    if (answer.ofPlane !== null) return fail(`${what}: ${answer.status} ${answer.ofPlane}`);
    if (answer.status < 500) return;
    count = { ...count, appErrors: count.appErrors + 1 };
    note(`${what}: ${answer.status}`);
  };
  const send = (): void => {
    const one = requests[next % requests.length];
    next += 1;
    if (one === undefined) return;
    count = { ...count, sent: count.sent + 1 };
    const asked = sendOne(one);
    open.add(asked);
    void asked.finally(() => open.delete(asked));
  };
  const pause = async (): Promise<void> => {
    if (timer !== null) clearInterval(timer);
    timer = null;
    await Promise.all(open);
  };
  return {
    count: () => count,
    failures: () => [...failures].map(([what, times]) => (times === 1 ? what : `${what}, ${formatCount(times)} times`)),
    pause,
    resume: () => {
      if (requests.length > 0) timer ??= setInterval(send, 1_000 / perSecond);
    },
    [Symbol.asyncDispose]: pause,
  };
}

/** A connection each: one that is kept may be closed by the other side just as it is used again. */
function ask(
  port: number,
  { method, path, headers, body }: SentRequest,
): Promise<string | { readonly status: number; readonly ofPlane: string | null }> {
  return new Promise((resolve) => {
    const sent = request({ host: "127.0.0.1", port, method, path, headers, agent: false, timeout: ANSWER_MS });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${ANSWER_MS / 1_000}s`)));
    sent.on("error", (error) => resolve(error.message));
    sent.on("response", (answer) => {
      const ofPlane = answer.headers["x-tidegate-error"];
      answer.on("error", (error) => resolve(error.message));
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, ofPlane: ofPlane === undefined ? null : String(ofPlane) }),
      );
      answer.resume();
    });
    sent.end(body);
  });
}

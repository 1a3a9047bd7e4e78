interface Ending {
  readonly done: () => Promise<void>;
}

const owed: Ending[] = [];
let isEnding = false;

/** Does the work when it is disposed of, and also when a signal ends this program before that: what comes last first. */
export function atTheEnd(work: () => PromiseLike<unknown>): AsyncDisposable {
  let begun: Promise<void> | null = null;
  const ending: Ending = { done: () => (begun ??= Promise.resolve(work()).then(() => undefined)) };
  owed.push(ending);
  return {
    async [Symbol.asyncDispose]() {
      // The other way out does it, and at its end is no program any more that could complain of what was taken from it.
      if (isEnding) return new Promise(() => undefined);
      await ending.done();
      owed.splice(owed.indexOf(ending), 1);
    },
  };
}

/** As a shell tells them. */
const SIGNALS = [
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const;

for (const [signal, code] of SIGNALS) {
  process.on(signal, () => {
    // Who asks twice does not want to wait.
    if (isEnding) process.exit(code);
    isEnding = true;
    void endAll().finally(() => process.exit(code));
  });
}

async function endAll(): Promise<void> {
  for (const { done } of owed.toReversed())
    await done().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
}

import type { Reading, Source, SourceFrom, Subject } from "../../src/core/plan/source.ts";
import { createMetrics } from "../../src/adapters/metrics/metrics.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { redactor } from "../../src/core/text/redact.ts";
import { tmpdir } from "node:os";
import type { Metrics } from "../../src/ports/metrics.ts";

export const SUBJECT: Subject = {
  version: "v2",
  slot: "green",
  service: "web",
  app: "shop",
  environment: "production",
};

export function sourceOf(from: SourceFrom, more: Partial<Source> = {}): Source {
  return {
    from,
    everyMs: 15_000,
    timeoutMs: 2_000,
    reachMs: 0,
    unit: "",
    worse: "higher",
    isByVersion: true,
    service: "web",
    ...more,
  };
}

/** The real adapters, with these values for `${UPPER}`. */
export function realMetrics(
  values: Readonly<Record<string, string>> = {},
  more: Partial<Parameters<typeof createMetrics>[0]> = {},
): Metrics {
  return createMetrics({
    clock: systemClock,
    redact: redactor(Object.values(values)).text,
    values: () => values,
    directory: tmpdir(),
    env: { PATH: process.env["PATH"], ...values },
    runtime: { instances: async () => [], log: async () => [] },
    ...more,
  });
}

/** One question, in words: `3.5`, `no-data: …`, `down: … | fix`. */
export async function answerOf(
  from: SourceFrom,
  {
    metrics = realMetrics(),
    subject = SUBJECT,
    timeoutMs = 2_000,
  }: { readonly metrics?: Metrics; readonly subject?: Subject; readonly timeoutMs?: number } = {},
): Promise<string> {
  return inWords(await metrics.ask(sourceOf(from, { timeoutMs }), subject, new AbortController().signal));
}

export function inWords(reading: Reading): string {
  if (reading.kind === "value") return String(reading.value);
  const fix = reading.kind === "down" && reading.fix !== undefined ? ` | ${reading.fix}` : "";
  return `${reading.kind}: ${reading.why}${fix}`;
}

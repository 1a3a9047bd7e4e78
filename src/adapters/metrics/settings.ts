import type { Subject } from "../../core/plan/source.ts";
import { fillReferences } from "../../core/text/references.ts";
import type { Duration } from "../../core/time/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Runtime } from "../../ports/runtime.ts";

/** What every kind of source is asked with. */
export interface MetricsSettings {
  readonly clock: Clock;
  /** Hides secrets in what a source says. */
  readonly redact: (text: string) => string;
  /** Where commands run: the plan file's folder. */
  readonly directory: string;
  /** What commands inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whose logs are read. */
  readonly runtime: Pick<Runtime, "instances" | "log">;
  /** Values for `${UPPER}`. */
  readonly values: () => Readonly<Record<string, string>>;
}

/** One question. */
export interface Asking {
  readonly settings: MetricsSettings;
  /** For all of it. */
  readonly timeoutMs: Duration;
  readonly signal: AbortSignal;
}

/** A text of a source with everything filled in. `written`: how Tidegate's own values are to be written there, as in an address. */
export function filled(
  text: string,
  subject: Subject,
  { values }: Pick<MetricsSettings, "values">,
  written: (value: string) => string = (value) => value,
): string {
  const own = Object.entries(subject).map(([name, value]: [string, string]) => [name, written(value)]);
  return fillReferences(text, { ...values(), ...Object.fromEntries(own) });
}

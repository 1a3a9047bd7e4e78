import type { Reading, Source, Subject } from "../core/plan/source.ts";

/** Figures from outside of the data plane. */
export interface Metrics {
  /**
   * Asks a source about one version. Never throws: that it can't be asked, or has nothing to say, is an answer. Takes no longer than the
   * source's time-out, and a little.
   */
  ask(source: Source, subject: Subject, signal: AbortSignal): Promise<Reading>;
}

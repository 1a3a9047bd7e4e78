import type { FaultError } from "../core/fault.ts";
import type { Board } from "./show/board.ts";
import type { LoadProcess } from "./load-process.ts";
import type { ReleaseRun } from "./release-run.ts";
import type { Stage } from "./stage.ts";
import type { Tidegate } from "./tidegate-process.ts";

/** What the demo works with, and what of it runs now for others to break or to end. */
export interface Plot {
  readonly stage: Stage;
  readonly tidegate: Tidegate;
  readonly board: Board;
  /** Aborted when the demo is to stop; its reason is thrown. */
  readonly signal: AbortSignal;
  /** Aborts it: there is no sense in going on. */
  readonly giveUp: (reason: FaultError) => void;
  load: LoadProcess | null;
  release: ReleaseRun | null;
}

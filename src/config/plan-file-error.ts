import { describeFault, type Fault } from "../core/fault.ts";

/** Every mistake of a plan file and of the files that it names, in the order in which they stand there. */
export class PlanFileError extends Error {
  override readonly name = "PlanFileError";
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[], options?: ErrorOptions) {
    super(faults.map(({ what }) => what).join("\n"), options);
    this.faults = faults;
  }

  /** The whole message as people read it. */
  describe(): string {
    return this.faults.map(describeFault).join("\n\n");
  }
}

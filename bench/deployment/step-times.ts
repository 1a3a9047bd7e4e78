type Document = Readonly<Record<string, unknown>>;

export interface StepTime {
  readonly name: string;
  /** In which something was done. */
  readonly workedMs: number;
  /** In which the share was watched: what the plan says, not what Tidegate needs. */
  readonly heldMs: number;
}

/** How long each step took, from the event lines of `tidegate release --json`. */
export function stepTimes(documents: readonly Document[]): readonly StepTime[] {
  const times: StepTime[] = [];
  let startedAt = 0;
  let doneAt = 0;
  let isShift = false;
  for (const document of documents) {
    const atMs = Number(document["atMs"]);
    switch (document["type"]) {
      case "step-started":
        startedAt = doneAt = atMs;
        isShift = false;
        break;
      case "effect-started":
        if (document["effect"] === "share") isShift = true;
        break;
      case "effect-confirmed":
        doneAt = atMs;
        break;
      case "step-passed": {
        // What comes after a share is in force is watching; after anything else it is still the step's own time.
        const end = isShift ? doneAt : atMs;
        times.push({ name: String(document["name"]), workedMs: end - startedAt, heldMs: atMs - end });
        break;
      }
    }
  }
  return times;
}

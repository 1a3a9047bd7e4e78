/** What the doctor found out about one thing. */
export interface Finding {
  readonly name: string;
  /** `bad`: a release can't work. `warn`: it can, and a person should know. `info`: as it should be at this stage. */
  readonly state: "ok" | "info" | "warn" | "bad";
  /** The fact, in a sentence without its full stop. */
  readonly sentence: string;
  /** How to mend it, or get it. */
  readonly fix?: string;
}

export function found(name: string, state: Finding["state"], sentence: string, fix?: string): Finding {
  return { name, state, sentence, ...(fix === undefined ? {} : { fix }) };
}

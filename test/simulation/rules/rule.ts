import type { Fact } from "../fact.ts";

/** Something that must hold in every world at every moment. Looks at facts alone, never at what the engine believes. */
export interface Rule {
  /** As DESIGN.md numbers it, or a word of its own. */
  readonly name: string;
  readonly sentence: string;
  /** A fresh watcher for one world. It says what is broken; nothing while all is well. */
  readonly begin: (broken: (sentence: string) => void) => (fact: Fact) => void;
}

export interface Violation {
  readonly rule: string;
  readonly at: number;
  readonly sentence: string;
}

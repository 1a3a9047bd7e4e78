import type { Duration } from "../time/time.ts";

/** A Markdown task list, its headings kept. */
export interface Checklist {
  /** As the plan file names it. */
  readonly source: string;
  readonly items: readonly ChecklistItem[];
}

export interface ChecklistItem {
  /** Stable while the text is: a slug of headings and text, numbered where it repeats. */
  readonly id: string;
  readonly text: string;
  /** Outermost first. */
  readonly headings: readonly string[];
  /** Already ticked in the file. */
  readonly ticked: boolean;
  /** Who may sign it; absent: anyone of the team. */
  readonly role?: string;
  /** Ticks the item by itself; without one a person signs. */
  readonly check?: MachineCheck;
}

/** What a machine can find out. `expect` texts are in the checklist's own words for the failure message. */
export type MachineCheck =
  | {
      readonly kind: "http";
      readonly url: string;
      readonly status: number;
      readonly contains?: string;
      readonly timeoutMs: Duration;
    }
  | { readonly kind: "command"; readonly command: string; readonly timeoutMs: Duration }
  | { readonly kind: "file"; readonly path: string; readonly contains?: string }
  | { readonly kind: "certificate"; readonly host: string; readonly port: number; readonly days: number }
  | { readonly kind: "disk"; readonly path: string; readonly freeBytes?: number; readonly freePercent?: number }
  | { readonly kind: "dns"; readonly name: string; readonly address?: string }
  /** The version to be released was rehearsed with this plan no longer ago. */
  | { readonly kind: "rehearsed"; readonly withinMs: Duration };

/** What a machine check found. `detail` is one sentence with its figures. */
export interface CheckResult {
  readonly passed: boolean;
  readonly detail: string;
}

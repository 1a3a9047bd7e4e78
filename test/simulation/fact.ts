import type { MigrationPhase } from "../../src/core/plan/database.ts";
import type { Command } from "../../src/core/command/command.ts";
import type { SecondRow, Slot } from "../../src/core/observation.ts";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import type { Status } from "../../src/core/status/status.ts";
import type { RequestAnswer, RequestBody } from "../../src/engine/api.ts";
import type { StoredEvent } from "../../src/ports/journal.ts";

/** Who did it: the number of an engine's process, or something of the world's own. */
export type By = number | "lease" | "plane" | "keeper" | "somebody";

/** One thing that really happened in the simulated world, whatever anybody believes. The rules look at nothing else. */
export type Fact = {
  /** Virtual milliseconds since the world began: never jumps. */
  readonly at: number;
  /** What the clock on the wall shows. */
  readonly wall: number;
} & FactBody;

export type FactBody =
  | { readonly kind: "process"; readonly by: number; readonly what: ProcessChange; readonly detail?: string }
  /** It has the lock, has raised its epoch and answers. */
  | { readonly kind: "acting"; readonly by: number; readonly epoch: number }
  | {
      readonly kind: "appended";
      readonly by: number;
      readonly release: number;
      readonly events: readonly StoredEvent[];
    }
  | { readonly kind: "store-refused"; readonly by: number; readonly method: string; readonly code: string }
  | {
      readonly kind: "asked";
      readonly request: number;
      readonly body: RequestBody;
      readonly release: number | null;
      readonly person: string;
    }
  | { readonly kind: "answered"; readonly by: number; readonly request: number; readonly answer: RequestAnswer }
  /** Another table is in force than before; `hold` ones have a lease that ends in nothing. */
  | {
      readonly kind: "table";
      readonly by: By;
      readonly table: RoutingTable;
      readonly before: RoutingTable | null;
      readonly returned: boolean;
    }
  | { readonly kind: "renewed"; readonly by: number }
  | { readonly kind: "claimed"; readonly by: number; readonly place: "plane" | "keeper"; readonly epoch: number }
  | { readonly kind: "refused"; readonly by: number; readonly method: string; readonly code: string }
  /** An engine has asked the plane; `answers`: it was there, and said the truth. */
  | { readonly kind: "read"; readonly by: number; readonly answers: boolean }
  | { readonly kind: "counted"; readonly rows: readonly SecondRow[] }
  /** Rows that an engine got; `lost`: so many were gone. */
  | { readonly kind: "observed"; readonly by: number; readonly rows: readonly SecondRow[]; readonly lost: number }
  | {
      readonly kind: "instance";
      readonly by: By;
      readonly what: InstanceChange;
      readonly id: string;
      readonly service: string;
      readonly version: string;
      readonly slot: Slot;
      readonly pid: number;
      readonly routed: boolean;
    }
  | {
      readonly kind: "probed";
      readonly by: number;
      readonly instance: string;
      readonly pid: number;
      readonly ok: boolean;
    }
  | {
      readonly kind: "command";
      readonly by: number;
      readonly what: "begun" | "done" | "failed" | "killed";
      readonly command: string;
      readonly release: number;
    }
  /** `back`: it was asked what of it can be taken back, and that was. */
  | {
      readonly kind: "schema";
      readonly by: number;
      readonly release: number;
      readonly what: MigrationPhase | "back";
    }
  | {
      readonly kind: "task";
      readonly by: number;
      readonly what: "smoke" | "warm" | "check";
      readonly ok: boolean;
      readonly of: string;
    }
  | {
      readonly kind: "message";
      readonly by: number;
      readonly release: number;
      readonly topic: string;
      readonly sentence: string;
      readonly delivered: boolean;
    }
  | { readonly kind: "trouble"; readonly what: string; readonly begins: boolean }
  | { readonly kind: "clock"; readonly byMs: number }
  /** What a person saw, and what the journal says at that very moment. */
  | { readonly kind: "status"; readonly by: number; readonly status: Status }
  | { readonly kind: "healed" }
  | {
      readonly kind: "pressed";
      readonly person: string;
      readonly command: Command["kind"] | "release";
      readonly release: number | null;
    }
  | { readonly kind: "ended"; readonly quiet: boolean };

export type ProcessChange =
  | "born"
  | "found-another"
  | "failed-to-start"
  | "killed"
  | "stopped"
  | "resumed"
  | "disposed"
  | "lost-lock"
  /** It was told that another one acts, and stopped. */
  | "fenced"
  /** It is none that acts: `rollback --now` */
  | "rolls-back-now"
  | "rolled-back-now";
export type InstanceChange =
  "started" | "found" | "ready" | "crashed" | "restarted" | "stopping" | "stopped" | "adopted";

export type FactOf<K extends FactBody["kind"]> = Extract<Fact, { readonly kind: K }>;

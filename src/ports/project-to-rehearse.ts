import type { LeftOut } from "../core/rehearsal/rehearsal.ts";

/** What a rehearsal finds of a compose project. */
export interface ProjectToRehearse {
  /** Under which its containers find each other. */
  readonly names: readonly string[];
  /** The service that is the app's database, where it listens in its container, and on which address its port is published. */
  readonly database: { readonly service: string; readonly port: number; readonly host: string } | null;
  /** Something in a container's environment leads to the app's database. */
  readonly isLed: boolean;
  /** `REDIS_URL of web`: addresses that lead where production's do. */
  readonly shared: readonly string[];
  /** What the rehearsal has of its own, empty. */
  readonly leftOut: readonly LeftOut[];
}

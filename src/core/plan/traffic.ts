import type { Duration } from "../time/time.ts";

/** Who divides visitors between two versions, and where it listens. */
export interface TrafficPlan {
  readonly kind: "embedded" | "haproxy";
  /**
   * `127.0.0.1` unless the plan file says otherwise. Of HAProxy, which opens its own: where Tidegate's own requests reach
   * its frontend, if they are to.
   */
  readonly listen: readonly { readonly host: string; readonly port: number; readonly tls?: TlsFiles }[];
  readonly sticky: Sticky;
  readonly pins: PinRule;
  /** What the plane passes to whom it can't reach: limits, times. */
  readonly timeouts: { readonly headersMs: Duration; readonly idleMs: Duration; readonly connectMs: Duration };
  /** Two versions never serve at once: at the switch requests are held for at most this long. */
  readonly pause?: { readonly forMs: Duration };
  /** Of `haproxy` alone. */
  readonly haproxy?: HaproxyPlan;
}

/** Where HAProxy is steered, and what it starts with. */
export interface HaproxyPlan {
  /** The runtime API of each load balancer. A step ends when all of them agree. */
  readonly balancers: readonly HaproxyAddress[];
  /** Folder on this machine for the files with which HAProxy starts; null: they are out of reach. Absolute. */
  readonly files: string | null;
  /** The same folder as HAProxy sees it, in a container for one. Absolute. */
  readonly inside: string;
}

export type HaproxyAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Absolute paths. Reloaded when the files change. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

export type Sticky =
  | { readonly kind: "cookie"; readonly name: string }
  | { readonly kind: "header"; readonly name: string; readonly cookie: string }
  | { readonly kind: "none" };

/** Who may choose a version by `x-tidegate-version`: those with the token (empty: nobody but Tidegate itself). */
export interface PinRule {
  readonly header: string;
  readonly token?: string;
}

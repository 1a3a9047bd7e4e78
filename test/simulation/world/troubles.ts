import type { Random } from "../random.ts";

/** What can be wrong with the outside for a while. */
export type Trouble =
  | "plane-slow"
  /** It takes requests and answers none of them, or none in time. */
  | "plane-deaf"
  /** It does what it is asked, and the answer is lost. */
  | "plane-loses-answers"
  /** Requests arrive twice. */
  | "plane-twice"
  /** It says that a table is in force before it is. */
  | "plane-lies"
  /** No process of it runs. */
  | "plane-away"
  | "keeper-slow"
  | "keeper-away"
  | "keeper-loses-answers"
  /** What it is told to stop goes on. */
  | "keeper-stops-nothing"
  /** What it is told to start ends at once. */
  | "keeper-starts-nothing"
  | "store-refuses"
  | "store-slow"
  /** Written, and the answer says that it was not. */
  | "store-unsure"
  | "probes-fail"
  | "tasks-flaky"
  | "checks-fail"
  | "notifier-down"
  /** Both versions are as bad: the database behind them is down. */
  | "incident"
  | "rows-lost"
  /** What of the traffic there is comes to nobody. */
  | "no-visitors"
  /** Nobody starts an engine when none acts. */
  | "nobody-starts-engines";

export type Place = "plane" | "keeper" | "probe" | "task" | "store" | "file";

/** How one call goes. */
export interface Trip {
  readonly thereMs: number;
  readonly backMs: number;
  /** Refused before anything is done. */
  readonly refused: boolean;
  /** Done, and the answer does not come. */
  readonly lost: boolean;
  /** Done once more, so long after the first time. */
  readonly againMs: number | null;
  /** Nobody answers before the caller's patience ends; it may be done late all the same. */
  readonly deaf: "never-done" | "done-late" | null;
}

export interface Troubles {
  begin(trouble: Trouble): void;
  end(trouble: Trouble): void;
  has(trouble: Trouble): boolean;
  none(): void;
  trip(place: Place): Trip;
}

const SMOOTH: Trip = { thereMs: 0, backMs: 0, refused: false, lost: false, againMs: null, deaf: null };

/** `random` decides which of the calls during a trouble are hit. */
export function createTroubles(random: Random): Troubles {
  const now = new Map<Trouble, number>();
  const has = (trouble: Trouble): boolean => now.has(trouble);

  const trip = (place: Place): Trip => {
    // Most of what happens in a world happens without trouble.
    const quick: Trip = random.chance(0.7)
      ? SMOOTH
      : { ...SMOOTH, thereMs: random.between(0, 3), backMs: random.between(0, 3) };
    if (now.size === 0) return quick;
    switch (place) {
      case "plane":
        return {
          thereMs: has("plane-slow") ? random.between(0, 1_500) : quick.thereMs,
          backMs: has("plane-slow") ? random.between(0, 1_500) : quick.backMs,
          refused: false,
          lost: has("plane-loses-answers") && random.chance(0.4),
          againMs: has("plane-twice") && random.chance(0.5) ? random.between(0, 2_500) : null,
          deaf: has("plane-deaf") && random.chance(0.8) ? random.pick(["never-done", "done-late"] as const) : null,
        };
      case "keeper":
        return {
          ...quick,
          ...(has("keeper-slow") ? { thereMs: random.between(0, 2_000), backMs: random.between(0, 1_000) } : {}),
          refused: has("keeper-away"),
          lost: has("keeper-loses-answers") && random.chance(0.4),
        };
      case "probe":
        return { ...quick, refused: has("probes-fail") && random.chance(0.7) };
      case "store":
        return {
          ...quick,
          ...(has("store-slow") ? { thereMs: random.between(0, 1_500) } : {}),
          refused: has("store-refuses") && random.chance(0.9),
          lost: has("store-unsure") && random.chance(0.4),
        };
      case "file":
        // Its place on the disk is taken beforehand.
        return quick;
      case "task":
        return { ...quick, refused: has("tasks-flaky") && random.chance(0.5) };
    }
  };

  return {
    begin: (trouble) => void now.set(trouble, (now.get(trouble) ?? 0) + 1),
    end: (trouble) => {
      const left = (now.get(trouble) ?? 1) - 1;
      if (left > 0) now.set(trouble, left);
      else now.delete(trouble);
    },
    has,
    none: () => now.clear(),
    trip,
  };
}

/** A key of a later version. */
export interface NotBuilt {
  /** "it comes with the database part". */
  readonly part: string;
  /** What to do until then. */
  readonly instead: string;
}

/** The version that this table speaks of; a test holds it against package.json. */
export const BUILT_VERSION = "0.1";

/** One sentence for a key that is known and not built. */
export function notBuiltSentence(key: string, { part }: NotBuilt): string {
  return `\`${key}\` is not built yet in this version of Tidegate (${BUILT_VERSION}): it comes with the ${part} part.`;
}

const RUNTIME = "Run the service's own processes with `run:`.";

export const NOT_BUILT_SERVICE_KEYS: Readonly<Record<string, NotBuilt>> = {
  kubernetes: { part: "Kubernetes", instead: RUNTIME },
};

const PLANE = "Remove it, and let Tidegate's own proxy split the traffic: `traffic: { embedded: 8080 }`.";

export const NOT_BUILT_TRAFFIC_KEYS: Readonly<Record<string, NotBuilt>> = {
  gateway: { part: "Kubernetes", instead: PLANE },
  kubernetes: { part: "Kubernetes", instead: PLANE },
};

export const NOT_BUILT_STEPS: Readonly<Record<string, NotBuilt>> = {
  flag: { part: "flags", instead: "Remove the step, or set the flag with `run:` and its `undo`." },
  evidence: { part: "release room", instead: "Remove the step, or ask for it in a checklist: `check: FILE.md`." },
  purge: { part: "signals", instead: "Remove the step, or purge with `run:` and its `undo`." },
};

const MESSAGES = "Remove it, or send messages to a `webhook`.";

export const NOT_BUILT_NOTIFY_KEYS: Readonly<Record<string, NotBuilt>> = {
  teams: { part: "release room", instead: MESSAGES },
};

const ROOM = { part: "release room", instead: "Remove it. `notify: { webhook: … }` tells a webhook." };

export const NOT_BUILT_TOP_KEYS: Readonly<Record<string, NotBuilt>> = {
  secrets: { part: "secrets", instead: "Remove it, and give secrets in the environment: `${NAME}`." },
  alerts: ROOM,
  calendar: { part: "release room", instead: "Remove it, or wait for a time of week with a `window:` step." },
  flags: { part: "flags", instead: "Remove it; set flags with a `run:` step and its `undo`." },
};

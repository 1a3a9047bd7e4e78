import type { Duration } from "../time/time.ts";

/** One story told to the candidate: requests in order, values carried from one to the next. */
export interface SmokeFlow {
  readonly name: string;
  /** The service whose address is used when going directly; through the front door the path decides. */
  readonly service: string;
  readonly requests: readonly SmokeRequest[];
  /** Always run, in order, whatever happened before; a failure here is told and does not hide the first one. */
  readonly cleanup: readonly SmokeRequest[];
  readonly variables: Readonly<Record<string, string>>;
}

export type SmokeRequest = SmokeHttp | SmokeTcp | SmokeCommand;

interface SmokeBase {
  readonly name: string;
  readonly timeoutMs: Duration;
  /** Tries before it counts as failed. */
  readonly attempts: number;
}

export interface SmokeHttp extends SmokeBase {
  readonly kind: "http";
  readonly method: string;
  /** A path, with `{{name}}` for variables. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly auth?:
    | { readonly kind: "basic"; readonly user: string; readonly password: string }
    | { readonly kind: "bearer"; readonly token: string };
  readonly body?: string;
  readonly expect: {
    /** Any of these; empty: 200 … 299. */
    readonly status: readonly number[];
    readonly headers: Readonly<Record<string, string>>;
    readonly contains: readonly string[];
    /** JSONPath → the value that it must equal; `{"$.items": {"exists": true}}`-like checks are spelled by the operator. */
    readonly json: readonly JsonExpectation[];
    readonly withinMs?: Duration;
  };
  /** Variable → JSONPath in the answer, or `header:NAME`. */
  readonly save: Readonly<Record<string, string>>;
}

export interface JsonExpectation {
  readonly path: string;
  readonly operator: "equals" | "exists" | "matches" | "at-least" | "at-most" | "length";
  readonly value: string | number | boolean | null;
}

export interface SmokeTcp extends SmokeBase {
  readonly kind: "tcp";
  /** Absent: the instance's own address. */
  readonly address?: string;
}

export interface SmokeCommand extends SmokeBase {
  readonly kind: "command";
  /** A shell line; gets TIDEGATE_URL, TIDEGATE_VERSION and the variables in its environment. */
  readonly command: string;
}

export interface SmokeOutcome {
  readonly passed: boolean;
  readonly flows: readonly {
    readonly name: string;
    readonly passed: boolean;
    readonly tookMs: Duration;
    /** First failure: which request, what was expected, what came. */
    readonly failure?: string;
    readonly cleanupFailure?: string;
  }[];
}

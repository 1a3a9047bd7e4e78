/** `lock`: whom it keeps waiting. `compat`: whether the version that serves still works. `txn`: transactions. */
export type RuleKind = "lock" | "compat" | "txn" | "style";
export type Severity = "error" | "warning" | "info";

/** Something that a rule says of a statement. */
export interface Finding {
  readonly kind: RuleKind;
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly fix: string;
  /** The reason by which the file itself allows it. */
  readonly allowed?: string;
  /** What is known of the database or of those who use it that made it weigh more or less, in a sentence. */
  readonly known?: string;
}

export interface LintedStatement {
  readonly file: string;
  /** Of its first word, from 1. */
  readonly line: number;
  readonly sql: string;
  readonly findings: readonly Finding[];
}

/** Whether it stops a release: an error that nobody has allowed. */
export function isStopping({ severity, allowed }: Finding): boolean {
  return severity === "error" && allowed === undefined;
}

import type { Finding, LintedStatement, Severity } from "../../core/migration/finding.ts";
import type { Allowed } from "./allowed.ts";
import { RULE_NAMES } from "./catalogue.ts";
import type { Judge } from "./judge.ts";
import type { Rule, Said } from "./rule.ts";

/** What a rule says, as heavy as it is in this database, and with the reason for which it is allowed. */
export function findingOf(rule: Rule, said: Said, allowed: readonly Allowed[], judge: Judge | undefined): Finding {
  const { name, aliases = [], kind, severity, fix } = rule;
  const because = allowed.find(
    (each) => each.misspelt === undefined && (each.rule === name || aliases.includes(each.rule)),
  )?.because;
  const { message } = said;
  const finding: Finding = { kind, rule: name, severity, message, fix };
  return { ...(judge?.weigh(finding, said, rule) ?? finding), ...(because === undefined ? {} : { allowed: because }) };
}

/** For sorting. */
export function worstFirst(a: Finding, b: Finding): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
}

const SEVERITIES: readonly Severity[] = ["error", "warning", "info"];

/** An allowance of nothing, or without a reason, or in other words than it is given. */
export function misused({ rule, because, misspelt }: Allowed): readonly Finding[] {
  const isKnown = RULE_NAMES.has(rule);
  if (isKnown && because !== undefined) return [];
  const unreasoned = isKnown ? `It is not said why ${rule} is allowed here.` : `There is no rule ${rule}.`;
  return [
    {
      kind: "style",
      rule: "allow-without-reason",
      severity: "error",
      message: misspelt === undefined ? unreasoned : `\`${misspelt}\` allows nothing: \`tidegate:allow\` is meant.`,
      fix: `Write \`-- tidegate:allow ${isKnown ? rule : "RULE"} because …\`.`,
    },
  ];
}

export function syntaxFinding(message: string): Finding {
  return {
    kind: "txn",
    rule: "syntax",
    severity: "error",
    message: `PostgreSQL can't read this: ${message}.`,
    fix: "Mend it: nobody can say what it would do.",
  };
}

export function psqlStatement(file: string, line: number, sql: string): LintedStatement {
  return {
    file,
    line,
    sql,
    findings: [
      {
        kind: "txn",
        rule: "psql-command",
        severity: "error",
        message: "A command of psql: no server and no migration tool but psql understands it.",
        fix: "Leave it out, or run the file with psql.",
      },
    ],
  };
}

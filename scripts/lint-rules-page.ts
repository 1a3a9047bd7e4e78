import { RULES } from "../src/migrations/lint/catalogue.ts";
import type { RuleKind } from "../src/core/migration/finding.ts";
import type { Rule } from "../src/migrations/lint/rule.ts";

const KINDS: Readonly<Record<RuleKind, string>> = {
  lock: "Whom it keeps waiting",
  compat: "What it breaks in the version that serves",
  txn: "Transactions",
  style: "What most teams regret later",
};

/** docs/lint-rules.md, made from the rules themselves; the SQL is what their tests run. */
export function lintRulesPage(): string {
  const groups = Object.entries(KINDS).map(([kind, title]) => ({
    title,
    rules: RULES.filter((rule) => rule.kind === kind),
  }));
  return [
    "# Rules of `tidegate migrate lint`",
    "",
    "<!-- Made by scripts/generate-docs.ts from the rules. -->",
    "",
    "An `error` ends the command with 3, unless the file allows it: `-- tidegate:allow RULE because …` before the statement, or behind it on",
    "its last line. A `warning` is told. An `info` is told with `--all` and in `--json`. Beside these rules there are `syntax` (PostgreSQL can't",
    "read it), `psql-command` (only psql understands it), `misspelt-header` (a comment that means to say something, and says nothing), `never-runs` (SQL that no run would reach) and `allow-without-reason`. What a rule has in brackets is what squawk or eugene call it.",
    "With a database at hand they weigh what they weigh there: those that say *grows with the table* are notes for a small one, and what the version",
    "that serves needs is asked of its queries. How to use them: [migrations.md](migrations.md).",
    "",
    "| rule | severity | what it is about |",
    "|---|---|---|",
    ...groups.flatMap(({ rules }) =>
      rules.map(
        ({ name, severity, kind }) => `| [\`${name}\`](#${name}) | ${severity} | ${KINDS[kind].toLowerCase()} |`,
      ),
    ),
    ...groups.flatMap(({ title, rules }) => ["", `## ${title}`, ...rules.flatMap(section)]),
    "",
  ].join("\n");
}

function section({ name, aliases = [], severity, isBySize, about, fix, bad, good }: Rule): readonly string[] {
  const also = aliases.length === 0 ? "" : ` (${aliases.join(", ")})`;
  return [
    "",
    `### ${name}`,
    "",
    `${severity}${also}${isBySize === true ? ", grows with the table" : ""}. ${about}`,
    "",
    "```sql",
    bad,
    "```",
    "",
    fix,
    "",
    "```sql",
    good,
    "```",
  ];
}

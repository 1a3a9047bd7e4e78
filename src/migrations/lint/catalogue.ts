import type { Rule } from "./rule.ts";
import { ALLOWED_RULES } from "./rules/compat/allowed.ts";
import { DROPPED_RULES } from "./rules/compat/dropped.ts";
import { EMPTIED_RULES } from "./rules/compat/emptied.ts";
import { RENAMED_RULES } from "./rules/compat/renamed.ts";
import { WRITTEN_RULES } from "./rules/compat/written.ts";
import { CONSTRAINT_RULES } from "./rules/constraints.ts";
import { INDEX_RULES } from "./rules/indexes.ts";
import { STYLE_RULES } from "./rules/style.ts";
import { TABLE_RULES } from "./rules/tables.ts";
import { TRANSACTION_RULES } from "./rules/transactions.ts";

/** Every rule, in the order in which the page of rules has them. */
export const RULES: readonly Rule[] = [
  ...TABLE_RULES,
  ...CONSTRAINT_RULES,
  ...INDEX_RULES,
  ...DROPPED_RULES,
  ...RENAMED_RULES,
  ...WRITTEN_RULES,
  ...EMPTIED_RULES,
  ...ALLOWED_RULES,
  ...TRANSACTION_RULES,
  ...STYLE_RULES,
];

/** What they go by, with the names that other tools have for them. */
export const RULE_NAMES: ReadonlySet<string> = new Set(RULES.flatMap(({ name, aliases = [] }) => [name, ...aliases]));

import type { Rule } from "./rule.ts";
import { COMPAT_RULES } from "./rules/compat.ts";
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
  ...COMPAT_RULES,
  ...TRANSACTION_RULES,
  ...STYLE_RULES,
];

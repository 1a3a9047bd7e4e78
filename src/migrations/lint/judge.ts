import type { Finding } from "../../core/migration/finding.ts";
import type { Rule, Said } from "./rule.ts";

/** Knows the database in which a migration will be run, and those who use it. */
export interface Judge {
  /** Whether the database has a table, index, type … or, by `table\0name`, a column or a constraint. */
  has(name: string): boolean;
  isNotNull(table: string, column: string): boolean;
  /** A validated check proves that no row has null there. */
  isProvenNotNull(table: string, column: string): boolean;
  isUniqueIndex(name: string): boolean;
  /** The finding as it is for this database: with what is known of it, and as heavy as that makes it. */
  weigh(finding: Finding, said: Said, rule: Rule): Finding;
}

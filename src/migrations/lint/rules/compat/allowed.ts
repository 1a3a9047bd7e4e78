import { type Rule, ruleOf, ruleOfOld } from "../../rule.ts";

/** What the version that serves would no longer be allowed, or what would be done besides. */
export const ALLOWED_RULES: readonly Rule[] = [
  ruleOf({
    name: "revoking-rights",
    kind: "compat",
    severity: "error",
    about: "The version that serves may need the right.",
    fix: "See that nothing uses it, then revoke it in a migration with `-- phase: contract`.",
    bad: "REVOKE SELECT ON orders FROM reports;",
    good: "-- phase: contract\nREVOKE SELECT ON orders FROM reports;",
    of: ["revoke"],
    says: ({ names }) => `What serves with that role can no longer use ${names.join(", ")}.`,
  }),
  ruleOfOld({
    name: "row-security",
    kind: "compat",
    severity: "error",
    about: "From then on a policy decides which rows the version that serves sees, and without one it sees none.",
    fix: "Make the policies first, try them with the service's own role, then enable them in a migration with `-- phase: contract`.",
    bad: "ALTER TABLE orders ENABLE ROW LEVEL SECURITY;",
    good: "CREATE TABLE invoices (id bigint);\nALTER TABLE invoices ENABLE ROW LEVEL SECURITY;",
    of: ["row-security"],
    says: ({ table }) => `What serves sees only those rows of ${table} that a policy lets it see.`,
  }),
  ruleOfOld({
    name: "adding-trigger",
    kind: "compat",
    severity: "info",
    about: "A trigger acts on what the version that serves writes too.",
    fix: "See that it does the same with what both versions write.",
    bad: "CREATE TRIGGER stamp BEFORE INSERT ON orders EXECUTE FUNCTION stamp();",
    good: "CREATE TABLE invoices (id bigint);\nCREATE TRIGGER stamp BEFORE INSERT ON invoices EXECUTE FUNCTION stamp();",
    of: ["create-trigger"],
    says: ({ table }) => `Acts on what the version that serves writes to ${table} too.`,
  }),
];

import type { Rule } from "./rule.ts";

/** After the troubles, with people who help: every release ends. Silence for ever would break no other rule. */
export const comesToRest: Rule = {
  name: "rest",
  sentence: "When all troubles are over, every release comes to its end",
  begin: (broken) => (fact) => {
    if (fact.kind === "ended" && !fact.quiet) broken("It never came to rest.");
  },
};

import { deepEqual, equal } from "node:assert/strict";
import { it } from "node:test";
import { secretsOf } from "../../src/core/plan/secrets.ts";
import { planOf, step } from "../support/plans.ts";

it("what a plan refers to is known and hidden from the moment at which the plan is met", () => {
  const { values, meet, redact } = secretsOf({
    DATABASE: "postgres-4711",
    OTHER: "something else",
    API_TOKEN: "tok-123",
  });
  equal(redact("tok-123 opens postgres-4711"), "••• opens postgres-4711", "a token is secret by its name");
  const refers = planOf([step.start()]);
  meet({ ...refers, notify: [{ kind: "webhook", name: "chat", url: "https://chat/${DATABASE}" }] });
  equal(redact("tok-123 opens postgres-4711"), "••• opens •••");
  equal(redact("something else"), "something else");
  deepEqual(values, { DATABASE: "postgres-4711" });
  meet({ ...refers, notify: [{ kind: "webhook", name: "chat", url: "https://chat/${OTHER}" }] });
  equal(redact("something else with postgres-4711"), "••• with •••", "an earlier plan's stay hidden");
});

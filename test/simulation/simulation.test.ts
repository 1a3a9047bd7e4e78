import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fact } from "./fact.ts";
import { play } from "./play.ts";
import { simulate } from "./simulate.ts";

/** CI plays thousands more with `npm run simulate`. */
const WORLDS = 300;

describe("a simulated world", () => {
  it("breaks no rule, whatever goes wrong in it", async () => {
    const { failures } = await simulate({ from: 1, count: WORLDS });
    deepEqual(
      failures.map(({ seed, violations }) => `seed ${seed}: ${violations[0]?.rule} ${violations[0]?.sentence}`),
      [],
    );
  });

  it("is the same again with the same seed, down to the millisecond, and another with another", async () => {
    const played = async (seed: number): Promise<readonly Fact[]> => {
      const facts: Fact[] = [];
      await play(seed, (fact) => void facts.push(fact));
      return facts;
    };
    const first = await played(15);
    ok(first.length > 50, `${first.length} facts`);
    deepEqual(await played(15), first);
    equal((await played(16)).length === first.length, false);
  });
});

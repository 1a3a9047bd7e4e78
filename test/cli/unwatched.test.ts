import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { asThePlaneHasIt, lastSign, unwatchedSentence } from "../../src/cli/render/unwatched.ts";
import { releaseView } from "../../src/cli/render/release-view.ts";
import { timeOfDay } from "../../src/cli/render/time-of-day.ts";
import type { Guard, Verdict } from "../../src/core/plan/guard.ts";
import type { Release } from "../../src/core/release/release.ts";
import { statusOf } from "../../src/core/status/status.ts";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";
import type { TrafficState } from "../../src/core/traffic/routing.ts";
import { planOf, step } from "../support/plans.ts";
import { PureWorld } from "../support/pure-world.ts";

const AT = { wall: Date.UTC(2026, 10, 21, 12, 0, 0), watched: 30 * SECOND };
/** Half a minute before the last that the engine wrote. */
const NOTED = { wall: AT.wall - 30 * SECOND, watched: 0 };
const LATER = { wall: AT.wall + 40 * SECOND, watched: AT.watched };

const SEEN: Verdict = {
  metric: "errors",
  verdict: "pass",
  sentence: "errors 0.1% (1/1 000), limit 1%",
  figures: { candidate: 0.001, stable: null, n: 1_000, nStable: 0, k: 1, limit: null, windowMs: MINUTE },
};

/** 5 % for five minutes, of which half a minute was watched. */
function shifting(stable?: null): Release {
  const { release } = new PureWorld(planOf([step.start(), step.shift(5, 5 * MINUTE)]), stable);
  return {
    ...release,
    state: "running",
    cursor: 1,
    share: 500,
    lastAt: AT,
    verdicts: { errors: SEEN },
    verdictsAt: { errors: NOTED },
    steps: release.steps.map((each) => ({
      ...each,
      state: "running",
      attempt: 1,
      startedAt: { wall: AT.wall, watched: 0 },
      readyAt: { wall: AT.wall, watched: 0 },
    })),
  };
}

function plane(more: Partial<TrafficState>): TrafficState {
  return { table: { release: 1 }, returnedAt: null, ...more } as unknown as TrafficState;
}

describe("a release that no engine acts on any more", () => {
  const release = shifting();

  it("is not said to be watched, and nothing is counted down", () => {
    const watched = statusOf(release, LATER, null);
    equal(watched.sentence, "Watching at 5%: errors 0.1% (1/1 000), limit 1%.");
    const status = statusOf(release, LATER, null, "nobody");
    equal(status.isWatched, false);
    equal(status.sentence, "Nobody watches at 5%; last noted 1m 10s ago: errors 0.1% (1/1 000), limit 1%.");
    equal(watched.figuresAtMs, null);
    equal(status.figuresAtMs, NOTED.wall);
    const style = { width: 100, colours: false, unicode: true };
    match(releaseView(watched, style).join("\n"), /Next decision in 4m 30s\./);
    doesNotMatch(releaseView(status, style).join("\n"), /Next decision/);
  });

  it("says of a hold's figures that they are old, and of what a person is to do nothing else than before", () => {
    const because = { kind: "no-data" as const, sentence: SEEN.sentence, verdict: SEEN };
    const held = { ...release, hold: { step: "shift-5", because, needsPerson: true, at: AT } };
    equal(
      statusOf(held, LATER, null, "nobody").sentence,
      "Held at 5%, by figures of 40s ago: errors 0.1% (1/1 000), limit 1%.",
    );
    const asked = { kind: "waiting" as const, sentence: "Waits for somebody to approve." };
    const waiting = { ...held, hold: { ...held.hold, because: asked } };
    equal(statusOf(waiting, LATER, null, "nobody").sentence, statusOf(waiting, LATER, null).sentence);
  });

  it("says since when: by the journal, or by the lease that was renewed after it", () => {
    const status = { figuresAtMs: NOTED.wall };
    const since = (state: TrafficState | null): string => lastSign(status, release, state, LATER.wall);
    const ofThen = `. The figures are of ${timeOfDay(NOTED.wall)}, when they were last written down: what was shown after that is not kept.`;
    equal(since(null), `Nobody has watched it since ${timeOfDay(AT.wall)}, 40s ago${ofThen}`);
    const renewed = AT.wall + 10 * SECOND;
    const leased = plane({ leaseEndsAt: renewed + 2 * MINUTE });
    equal(since(leased), `Nobody has watched it since ${timeOfDay(renewed)}, 30s ago${ofThen}`);
    const ofAnother = { ...leased, table: { release: 2 } } as unknown as TrafficState;
    equal(since(ofAnother), since(null));
    const bare = lastSign({ figuresAtMs: null }, release, null, LATER.wall);
    equal(bare, `Nobody has watched it since ${timeOfDay(AT.wall)}, 40s ago.`);
  });

  it("says first of all that the share went back to stable, once the data plane has taken it", () => {
    const status = statusOf(release, LATER, null, "nobody");
    const sentence = (more: Partial<TrafficState>, of = status): string =>
      asThePlaneHasIt(of, release, plane(more), LATER.wall).sentence;
    equal(sentence({ returnedAt: null }), status.sentence);
    equal(
      sentence({ returnedAt: LATER.wall }),
      "Nobody watches: all of the traffic is back on v1, from 5%; last noted 1m 10s ago: errors 0.1% (1/1 000), limit 1%.",
    );
    const watched = statusOf(release, LATER, null);
    equal(sentence({ returnedAt: LATER.wall }, watched), watched.sentence, "an engine gives it again at once");
    const ofAnother = { table: { release: 2 }, returnedAt: LATER.wall } as unknown as Partial<TrafficState>;
    equal(sentence(ofAnother), status.sentence);
    const paused = { ...release, paused: { by: "root", at: AT, reason: "lunch" } } as unknown as Release;
    equal(
      asThePlaneHasIt(statusOf(paused, LATER, null, "nobody"), paused, plane({ returnedAt: LATER.wall }), LATER.wall)
        .sentence,
      "Nobody watches: all of the traffic is back on v1, from 5%. Paused at 5% by root: lunch.",
    );
  });

  it("says when the lease runs out, or that it has", () => {
    const status = statusOf(release, LATER, null, "nobody");
    const said = (state: TrafficState | null): readonly string[] =>
      unwatchedSentence(status, release, state, LATER.wall);
    deepEqual(said(null), ["Unwatched, all of the traffic goes back to v1 after 2m."]);
    const endsAt = LATER.wall + 80 * SECOND;
    deepEqual(said(plane({ leaseEndsAt: endsAt })), [
      `The lease runs out at ${timeOfDay(endsAt)}, in 1m 20s: then all of the traffic goes back to v1 by itself.`,
    ]);
    deepEqual(said(plane({ leaseEndsAt: null, returnedAt: LATER.wall })), [
      `Nobody renewed the lease, so the data plane put all of the traffic back on v1 by itself at ${timeOfDay(LATER.wall)}.`,
    ]);
  });
});

it("a first version that is looked at is not said to wait for data", () => {
  const first = { ...shifting(null), share: 10_000 as const };
  const long = { wall: AT.wall, watched: 10 * MINUTE };
  const text = releaseView(statusOf(first, long, null), { width: 200, colours: false, unicode: true }).join("\n");
  match(text, /Goes on after the first look at it, with visitors or without\./);
  doesNotMatch(text, /enough data/);
});

it("a first version that is held against another day says how it does, and not that there is nothing to compare with", () => {
  const bare = { ...shifting(null), share: 10_000 as const };
  equal(statusOf(bare, LATER, null).sentence, "Watching at 100%: the first version, nothing to compare with.");
  const guard: Guard = {
    metric: "errors",
    limits: { rollback: [{ kind: "before", factor: 1.5, days: 1 }] },
    windowMs: MINUTE,
    minRequests: 100,
    minEvents: 3,
    breaches: 3,
  };
  const plan = planOf([step.start(), step.shift(100, MINUTE, { guards: [guard] })]);
  const first = { ...bare, plan };
  equal(statusOf(first, LATER, null).sentence, "Watching at 100%: errors 0.1% (1/1 000), limit 1%.");
  match(
    statusOf(first, LATER, null, "nobody").sentence,
    /^Nobody watches at 100%; last noted 1m 10s ago: errors 0\.1%/,
  );
});

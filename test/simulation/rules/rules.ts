import type { Rule } from "./rule.ts";
import { answers } from "./answers.ts";
import { approvals } from "./approvals.ts";
import { comesToRest } from "./comes-to-rest.ts";
import { endState } from "./end-state.ts";
import { evidence } from "./evidence.ts";
import { intentFirst } from "./intent-first.ts";
import { moves } from "./moves.ts";
import { nothingDropped } from "./nothing-dropped.ts";
import { once } from "./once.ts";
import { oneActs } from "./one-acts.ts";
import { outcomes } from "./outcomes.ts";
import { readiness } from "./readiness.ts";
import { replays } from "./replay.ts";
import { schema } from "./schema.ts";
import { sentences } from "./sentences.ts";
import { undoOrder } from "./undo-order.ts";
import { unwatched } from "./unwatched.ts";
import { watchedTime } from "./watched-time.ts";
import { wayBack } from "./way-back.ts";
import { weights } from "./weights.ts";

/** Everything that is checked in every world. */
export const RULES: readonly Rule[] = [
  readiness,
  weights,
  oneActs,
  evidence,
  replays,
  wayBack,
  approvals,
  sentences,
  unwatched,
  watchedTime,
  moves,
  intentFirst,
  once,
  outcomes,
  undoOrder,
  schema,
  nothingDropped,
  answers,
  endState,
  comesToRest,
];

import { crc32 } from "node:zlib";
import { cohortOf, isInCandidate, WHOLE } from "../../src/core/traffic/share.ts";
import { type Asked, ClientConnection } from "../load/client-connection.ts";
import { startListening } from "../measure/started-program.ts";
import { backendOf, startTidegateProxy, type StartedProxy } from "../measure/tidegate-proxy.ts";

const INSTANCE = new URL("../load/instance.ts", import.meta.url);
const CONNECTIONS = 32;
const SHARE = 500;
const OFFSET = 4_711;

export interface Split {
  readonly what: string;
  readonly requests: number;
  readonly failed: number;
  readonly toCandidate: number;
  readonly percent: number;
  readonly wantedPercent: number;
  /** How far the share may lie from what is wanted. */
  readonly allowedPercent: number;
  /** Sticky only: requests that went to the other version than their cohort's. */
  readonly misplaced: number | null;
  readonly isGood: boolean;
}

/** How well 5 % is kept: by request at random, and by visitor. */
export async function measureSplit(folder: string, requests: number): Promise<readonly Split[]> {
  await using stable = await startListening(INSTANCE, ["v1"]);
  await using candidate = await startListening(INSTANCE, ["v2"]);
  await using proxy = await startTidegateProxy(folder);
  const table = {
    stable: backendOf("v1", stable.port),
    candidate: { ...backendOf("v2", candidate.port), slot: "green" as const },
    share: SHARE,
    offset: OFFSET,
  };
  await proxy.change({ ...table, sticky: { kind: "none" } });
  const random = await splitAtRandom(proxy, requests);
  await proxy.change({ ...table, sticky: { kind: "cookie", name: "tidegate" } });
  return [random, await splitByVisitor(proxy, requests)];
}

async function splitAtRandom(proxy: StartedProxy, requests: number): Promise<Split> {
  const { failed, toCandidate } = await ask(proxy.port, requests, () => ({ method: "GET", path: "/small" }));
  const part = SHARE / WHOLE;
  const threeSigma = 3 * Math.sqrt((part * (1 - part)) / requests);
  const percent = (100 * toCandidate) / requests;
  return {
    what: "each request at random",
    requests,
    failed,
    toCandidate,
    percent,
    wantedPercent: 100 * part,
    allowedPercent: 100 * threeSigma,
    misplaced: null,
    isGood: failed === 0 && Math.abs(percent / 100 - part) <= threeSigma,
  };
}

/** One visitor of each cohort, all as often: then the share must be exact, and each visitor where their cohort is. */
async function splitByVisitor(proxy: StartedProxy, requests: number): Promise<Split> {
  const visitors = oneVisitorPerCohort();
  const visitorOf = (index: number): string => visitors[index % WHOLE] ?? "";
  let misplaced = 0;
  const { failed, toCandidate } = await ask(
    proxy.port,
    requests,
    (index) => ({ method: "GET", path: "/small", headers: `Cookie: tidegate=${visitorOf(index)}\r\n` }),
    (index, version) => {
      const expected = isInCandidate(cohortOf(crc32(visitorOf(index))), OFFSET, SHARE) ? "v2" : "v1";
      if (version !== expected) misplaced += 1;
    },
  );
  const percent = (100 * toCandidate) / requests;
  return {
    what: "by visitor (cookie), one of each cohort",
    requests,
    failed,
    toCandidate,
    percent,
    wantedPercent: (100 * SHARE) / WHOLE,
    allowedPercent: 0,
    misplaced,
    isGood: failed === 0 && misplaced === 0 && toCandidate * WHOLE === SHARE * requests,
  };
}

async function ask(
  port: number,
  requests: number,
  askedFor: (index: number) => Asked,
  onAnswer: (index: number, version: string) => void = () => undefined,
): Promise<{ readonly failed: number; readonly toCandidate: number }> {
  let next = 0;
  let failed = 0;
  let toCandidate = 0;
  const work = async (): Promise<void> => {
    const connection = new ClientConnection(port);
    while (next < requests) {
      const index = next;
      next += 1;
      const outcome = await connection.ask(askedFor(index));
      if (!outcome.ok) failed += 1;
      else {
        if (outcome.version === "v2") toCandidate += 1;
        onAnswer(index, outcome.version);
      }
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return { failed, toCandidate };
}

function oneVisitorPerCohort(): readonly string[] {
  const visitors: string[] = [];
  for (let tries = 0, found = 0; found < WHOLE; tries += 1) {
    const id = `visitor-${String(tries).padStart(14, "0")}`;
    const cohort = cohortOf(crc32(id));
    if (visitors[cohort] !== undefined) continue;
    visitors[cohort] = id;
    found += 1;
  }
  return visitors;
}

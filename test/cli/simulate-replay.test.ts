import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import type { Context } from "../../src/cli/context.ts";
import { replayView } from "../../src/cli/render/replay-view.ts";
import { type ReplayedRecording, replayRecording } from "../../src/cli/simulate/replay-recording.ts";
import { createRandom } from "../../src/core/analysis/statistics/random.ts";
import { describeFault, FaultError } from "../../src/core/fault.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tidegate } from "./support/program.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

/** Midnight of a day; 2 minutes of stable alone, then both. */
const BEGIN = Date.UTC(2026, 4, 4) / 1_000;
const ALONE = 120;

interface Traffic {
  readonly candidateErrors?: number;
  readonly candidateSlower?: number;
  readonly seconds?: number;
}

interface Request {
  readonly at: number;
  readonly version: string;
  readonly status: number;
  readonly ms: number;
}

function requests({ candidateErrors = 0.002, candidateSlower = 1, seconds = 420 }: Traffic): readonly Request[] {
  const random = createRandom(4);
  return Array.from({ length: seconds * 50 }, (_, index) => {
    const second = Math.floor(index / 50);
    const isCandidate = second >= ALONE && random.next() < 0.1;
    return {
      at: BEGIN + second + (index % 50) / 50,
      version: isCandidate ? "v2" : "v1",
      status: random.next() < (isCandidate ? candidateErrors : 0.002) ? 500 : 200,
      ms: Math.exp(3 + 0.6 * random.normal()) * (isCandidate ? candidateSlower : 1),
    };
  });
}

const HEAD = "time,version,status,latency";

function csv(
  traffic: Traffic,
  line = ({ at, version, status, ms }: Request) => `${at},${version},${status},${ms}`,
): string {
  return [HEAD, ...requests(traffic).map(line)].join("\n");
}

let files = 0;

const STYLE = { width: 200, colours: false, unicode: true };

function judged(text: string, options: Readonly<Record<string, string>> = {}): ReplayedRecording {
  const path = folder.file(`recording-${(files += 1)}`);
  writeFileSync(path, text);
  return replayRecording({ arguments: [], options, context: {} as Context }, path);
}

function refusal(text: string, options: Readonly<Record<string, string>> = {}): string {
  let told = "";
  throws(
    () => judged(text, options),
    (error) => {
      told = error instanceof FaultError ? describeFault(error.fault) : String(error);
      return error instanceof FaultError && error.fault.code === "usage";
    },
  );
  return told;
}

describe("recorded traffic that is judged", () => {
  it("would have been rolled back by errors, said with its figures", async () => {
    const path = folder.file("bad.csv");
    writeFileSync(path, csv({ candidateErrors: 0.05 }));
    const { code, stdout } = await tidegate(["simulate", "--replay", path], { cwd: folder.path });
    equal(code, 0);
    const text = stdout.replaceAll(/\s+/g, " ");
    match(
      text,
      /^It would have rolled back after \d+s, by errors [\d.]+% \(\d+\/\d+\) against [\d.]+% \(\d+\/[\d ]+\), evidence \d+ \(acts at 100\)\./,
    );
    match(text, / span v2 beside v1, 2026-05-04 00:02:00Z to 2026-05-04 00:0\d:\d\dZ/);
    match(text, / power all that is recorded of it, 5m, catches errors of .*% \(/);
    const { stdout: json } = await tidegate(["simulate", "--replay", path, "--json"], { cwd: folder.path });
    const document = JSON.parse(json) as {
      decided: { guard: string; atMs: number };
      evidence: number;
      candidate: string;
    };
    equal(document.decided.guard, "errors");
    ok(document.decided.atMs > (BEGIN + ALONE) * 1_000 && document.evidence >= 100);
    equal(document.candidate, "v2");
  });

  it("would have been rolled back by its latencies", () => {
    const { replayed } = judged(csv({ candidateSlower: 2 }));
    ok(replayed.decided !== null && replayed.decided.guard !== "errors");
    ok(replayed.watchedSeconds < 60);
  });

  it("would not have been rolled back where it is as good, and says what could have been caught", () => {
    const { replayed, catches } = judged(csv({}));
    equal(replayed.decided, null);
    equal(replayed.watchedSeconds, 300);
    equal(replayed.guards[0]?.counted.n, replayed.whole.candidate.requests);
    ok(catches.some(({ caught }) => caught > 0.95) && catches.some(({ caught }) => caught < 0.5));
  });

  it("is judged the other way round when the other version is meant", () => {
    const { candidate, stable, replayed } = judged(csv({ candidateErrors: 0.05 }), { candidate: "v1" });
    deepEqual([candidate, stable, replayed.decided], ["v1", "v2", null]);
  });

  it("is read whatever its columns are called, its times and latencies are written, and its lines ordered", () => {
    const plain = judged(csv({ candidateErrors: 0.05 }));
    const lines = requests({ candidateErrors: 0.05 }).map(
      ({ at, version, status, ms }) =>
        `"GET /a;b";${status};${new Date(at * 1_000).toISOString()};"${version}";${(ms / 1_000).toFixed(6)}s`,
    );
    const other = judged(
      ["\uFEFFroute;Status Code;@timestamp;Version;Duration", ...lines.toReversed(), ""].join("\r\n"),
    );
    equal(other.replayed.to, plain.replayed.to);
    deepEqual(other.replayed.guards[0]?.counted, plain.replayed.guards[0]?.counted);
  });

  it("would have been rolled back by the time in which it was worse, after a trouble of both", () => {
    // Both fail for a minute, then both are well, then the candidate alone fails.
    const failed = (second: number, isCandidate: boolean): number =>
      second < 60 ? 40 : second >= 120 && isCandidate ? 30 : 0;
    const rows = Array.from({ length: 180 }, (_, second) =>
      ["v1", "v2"].map((version) => {
        const bad = failed(second, version === "v2");
        return JSON.stringify({
          second: BEGIN + second,
          version,
          requests: 100,
          status: { ok: 100 - bad, server: bad },
        });
      }),
    ).flat();
    const found = judged(rows.join("\n"), { candidate: "v2", weights: "errors=1" });
    const { decided } = found.replayed;
    equal(decided?.guard, "errors");
    equal(decided?.seconds, 10);
    match(replayView(found, STYLE)[0] ?? "", /by errors .* against 0% \(0\/1 000\) in the last 10s, evidence/);
  });

  it("takes a commit by the beginning of its hash, and shows as much of it", () => {
    const [stable, candidate] = ["a".repeat(40), "b".repeat(40)];
    const text = csv({ candidateErrors: 0.05 }).replaceAll("v1", stable).replaceAll("v2", candidate);
    const found = judged(text, { candidate: "bbbbbbb", stable: "aaaa" });
    deepEqual([found.candidate, found.stable], [candidate, stable]);
    match(replayView(found, STYLE).join("\n"), / span {2}bbbbbbb beside aaaaaaa, /);
    match(refusal(text, { candidate: "bbb" }), /No version "bbb" is recorded\./);
  });

  it("is judged by visitors where the data plane has told them apart, as the engine judged it", () => {
    // One visitor whose every request fails: twenty bad requests a second, and one bad visitor.
    const row = (second: number, version: string, failed: number, bad: number): string =>
      JSON.stringify({
        second: BEGIN + second,
        version,
        requests: 100,
        status: { ok: 100 - failed, server: failed },
        counted: { errors: { requests: 100 - failed + bad, bad, newlyBad: bad } },
      });
    const rows = Array.from({ length: 120 }, (_, second) => [
      row(second, "v1", 0, 0),
      row(second, "v2", 20, second === 0 ? 1 : 0),
    ]).flat();
    const options = { candidate: "v2", weights: "errors=1" };
    const byVisitor = judged(rows.join("\n"), options);
    equal(byVisitor.replayed.decided, null);
    const note =
      "A visitor's failures count once in 10m, as the engine counts them. Of all requests 2 400 of 12 000 of the candidate failed, and 0 of 12 000 of stable.";
    ok(byVisitor.notes.includes(note), byVisitor.notes.join("\n"));
    const byRequest = rows.map((line) => JSON.stringify({ ...JSON.parse(line), counted: undefined }));
    equal(judged(byRequest.join("\n"), options).replayed.decided?.guard, "errors");
    const wrong = JSON.stringify({ ...JSON.parse(rows[0] ?? ""), counted: { errors: { requests: 1, bad: 2 } } });
    match(refusal(wrong), /2 of 1 requests of "errors" can't have been bad\./);
  });

  it("names the versions that it took, and asks where they can't be told apart", async () => {
    // By second: version, requests, failed. A day in which v1 was released over v0, and v2 over v1, with a twin of v1.
    const rows = (of: readonly (readonly [string, number, number, number])[]): string =>
      of
        .flatMap(([version, from, to, requestsEach]) =>
          Array.from({ length: to - from }, (_, index) =>
            JSON.stringify({
              second: BEGIN + from + index,
              version,
              requests: requestsEach,
              status: { ok: requestsEach },
            }),
          ),
        )
        .join("\n");
    const taken = (text: string, options = {}): readonly string[] => {
      const { candidate, stable } = judged(text, options);
      return [candidate, stable];
    };
    const twoReleases = [
      ["v0", 0, 900, 50],
      ["v1", 600, 1_200, 20],
      ["v2", 1_000, 1_200, 5],
    ] as const;
    deepEqual(taken(rows(twoReleases)), ["v2", "v1"], "v0 has more requests, and none beside v2");
    deepEqual(taken(rows([...twoReleases, ["v3", 1_300, 1_400, 50]])), ["v2", "v1"], "v3 has nothing beside it");
    deepEqual(taken(rows([...twoReleases, ["v1~twin", 1_000, 1_200, 5]])), ["v2", "v1~twin"]);
    deepEqual(taken(rows(twoReleases), { candidate: "v1", stable: "v0" }), ["v1", "v0"]);
    deepEqual(taken(rows(twoReleases), { candidate: "v1" }), ["v1", "v0"], "beside which most was served");

    const both = rows([
      ["v1", 0, 60, 5],
      ["v2", 0, 60, 15],
    ]);
    const told = refusal(both);
    match(told, /^Which version is judged can't be told: v2 and v1 are both there from the first requests on\.$/m);
    match(told, /--candidate NAME --stable NAME; recorded are v2 \(900 requests\), v1 \(300 requests\)$/m);
    deepEqual(taken(both, { candidate: "v2" }), ["v2", "v1"]);
    deepEqual(taken(both, { stable: "v2" }), ["v1", "v2"]);
    // v2 is silent in the first second by chance.
    match(
      refusal(
        rows([
          ["v1", 0, 60, 15],
          ["v2", 1, 60, 5],
        ]),
      ),
      /^Which version is judged can't be told/,
    );
    deepEqual(
      taken(
        rows([
          ["v1", 0, 60, 15],
          ["v2", 10, 60, 5],
        ]),
      ),
      ["v2", "v1"],
    );
    const three = rows([
      ["v0", 0, 60, 15],
      ["v1", 0, 60, 15],
      ["v2", 30, 60, 5],
    ]);
    match(refusal(three), /^What v2 is compared with can't be told: v0 and v1 served beside it\.$/m);
    match(refusal(three, { stable: "v9" }), /^No version "v9" is recorded\.[^]*--stable v0; recorded are v0, v1, v2$/m);
    match(refusal(three, { candidate: "v1", stable: "v1" }), /^A version can't be compared with itself\.$/m);
    const lone = await tidegate(["simulate", "--stable", "v1"], { cwd: folder.path });
    equal(lone.code, 2);
    match(lone.stderr, /^--stable names a version of recorded traffic, and there is no --replay\.$/m);
  });

  it("says above which each version's answers counted as slow, and of which time what is said of it is", async () => {
    const path = folder.file("span.csv");
    writeFileSync(path, csv({ candidateErrors: 0.1 }));
    const { stdout } = await tidegate(["simulate", "--replay", path], { cwd: folder.path });
    const { replayed } = judged(csv({ candidateErrors: 0.1 }));
    const { limit } = replayed.guards.find(({ guard }) => guard === "p95") ?? {};
    ok(limit !== undefined && limit !== null && limit.candidateMs > limit.stableMs + 20);
    const above = ({ candidateMs, stableMs }: typeof limit): RegExp =>
      new RegExp(
        `^  slower than p95 +\\S+ \\(.*\\) above ${Math.round(candidateMs)}ms +\\S+ \\(.*\\) above ${Math.round(stableMs)}ms  `,
        "m",
      );
    match(stdout, above(limit));
    ok(replayed.watchedSeconds < replayed.whole.seconds);
    match(stdout, /^ {2}power all that is recorded of it, 5m, catches errors of /m);
    const { stdout: json } = await tidegate(["simulate", "--replay", path, "--json"], { cwd: folder.path });
    const document = JSON.parse(json) as Readonly<Record<string, unknown>>;
    equal(document["couldCatchInMs"], 300_000);
    deepEqual((document["guards"] as readonly Record<string, unknown>[])[1]?.["candidateLimitMs"], limit.candidateMs);
    const { stdout: all } = await tidegate(["simulate", "--replay", path, "--candidate", "v1"], { cwd: folder.path });
    match(all, /^ {2}power so much traffic and time catches /m);
  });

  it("keeps columns apart however much was counted, and lets no name speak to the terminal", async () => {
    const path = folder.file("much.jsonl");
    const row = (second: number, version: string, requests: number, failed: number): string =>
      JSON.stringify({ second: BEGIN + second, version, requests, status: { ok: requests - failed, server: failed } });
    const red = "\u001B[31mv1";
    writeFileSync(
      path,
      Array.from({ length: 60 }, (_, second) => [
        row(second, red, 99_999_999, 45_678_912),
        row(second, "v2", 99_999_999, 45_678_912),
        row(second, "v3", 2, 0),
      ])
        .flat()
        .join("\n"),
    );
    const words = ["simulate", "--replay", path, "--candidate", "v2", "--stable", red];
    const { code, stdout, stderr } = await tidegate(words, { cwd: folder.path });
    equal(code, 0, stderr);
    match(stdout, /^ {2}errors +\d+% \([\d ]+\/[\d ]+\) {2,}\d+% \([\d ]+\/[\d ]+\) {2,}[\d.]+$/m);
    match(stdout, / v2 beside v1, /);
    equal(stdout.includes("\u001B"), false);
    const { stdout: left } = await tidegate([...words.slice(0, -1), "v3"], { cwd: folder.path });
    match(left, /Left out, because two versions are compared: v1\./);
    equal(left.includes("\u001B"), false);
  });

  it("is read as the data plane's socket answers it, whole", () => {
    const rows = Array.from({ length: 60 }, (_, second) =>
      ["v1", "v2"].map((version) => ({ second: BEGIN + second, version, requests: 9, status: { ok: 9 } })),
    ).flat();
    for (const indent of [0, 2]) {
      const { replayed } = judged(JSON.stringify({ proxy: "4711-a", next: 120, rows, lost: 0 }, null, indent), {
        candidate: "v2",
      });
      equal(replayed.guards[0]?.counted.n, 540);
    }
    const broken = JSON.stringify({ proxy: "4711-a", rows: [...rows, { second: 1 }] });
    match(refusal(broken), /^Row 121: "version" must be a text\./);
  });

  it("is the same as rows of the data plane", () => {
    const rows = new Map<
      string,
      { second: number; version: string; requests: number; status: Record<string, number> }
    >();
    for (const { at, version, status } of requests({ candidateErrors: 0.05 })) {
      const second = Math.floor(at);
      const row = rows.get(`${second}${version}`) ?? { second, version, requests: 0, status: { ok: 0, server: 0 } };
      rows.set(`${second}${version}`, row);
      row.requests += 1;
      const kind = status === 200 ? "ok" : "server";
      row.status[kind] = (row.status[kind] ?? 0) + 1;
    }
    const found = judged([...rows.values()].map((row) => JSON.stringify(row)).join("\n"));
    const plain = judged(csv({ candidateErrors: 0.05 }), { weights: "errors=0.5" });
    equal(found.replayed.to, plain.replayed.to);
    deepEqual(found.replayed.guards[0], plain.replayed.guards[0]);
    match(found.notes.join(" "), /no latencies/);
  });

  it("leaves out the seconds in which a share changed", () => {
    const row = (second: number, version: string, failed: number, mixed: boolean): string =>
      JSON.stringify({ second, version, requests: 50, status: { ok: 50 - failed, server: failed }, mixed });
    const rows = Array.from({ length: 20 }, (_, second) => [
      row(second, "a", 0, second > 4),
      row(second, "b", 30, second > 4),
    ]);
    const { replayed } = judged(rows.flat().join("\n"), { candidate: "b" });
    equal(replayed.guards[0]?.counted.n ?? 0, replayed.watchedSeconds * 50);
    const mixed = Array.from({ length: 20 }, (_, second) => [row(second, "a", 0, true), row(second, "b", 30, true)]);
    match(refusal(mixed.flat().join("\n"), { candidate: "b" }), /no second in which the candidate could be compared/);
  });

  it("counts nothing of a time of which nothing is recorded", () => {
    const [head = "", ...lines] = csv({}).split("\n");
    const late = lines.map((line) => {
      const [at = "", ...rest] = line.split(",");
      return [Number(at) + (Number(at) >= BEGIN + 200 ? 10_000 : 0), ...rest].join(",");
    });
    const { replayed } = judged([head, ...late].join("\n"));
    deepEqual(
      replayed.gaps.map(({ seconds }) => seconds),
      [10_000],
    );
    equal(replayed.watchedSeconds, 300);
  });

  it("tells of a clock that was put back, and of versions that are left out", () => {
    const lines = csv({}).split("\n");
    const { notes } = judged([...lines, `${BEGIN + 130},v0,200,5`, `${BEGIN - 4_000},v1,200,5`].join("\n"), {
      candidate: "v2",
    });
    match(notes.join(" "), /Times go back by up to 1h/);
    match(notes.join(" "), /Left out, because two versions are compared: v0/);
  });

  it("says nothing against a candidate beside which stable is silent, nor where all of both fails", () => {
    const alone = [HEAD, `${BEGIN},v1,200,5`];
    for (let second = 1; second < 60; second += 1)
      for (let each = 0; each < 20; each += 1) alone.push(`${BEGIN + second},v2,500,5`);
    const silent = judged(alone.join("\n"));
    equal(silent.replayed.decided, null);
    const failing = judged(csv({}, ({ at, version, ms }) => `${at},${version},500,${ms}`));
    ok((failing.replayed.guards[0]?.logEvidence ?? 1) < 1e-9);
  });

  const bad: readonly (readonly [string, string, RegExp])[] = [
    ["an empty file", "", /^The file is empty/],
    ["nothing but a head", HEAD, /^There is no request in the file/],
    ["one version", `${HEAD}\n1767225600,v1,200,5`, /^Only one version is recorded, "v1"/],
    ["no column for the time", "zeit,version,status\n1,v1,200", /^There is no column for the time/],
    [
      "a line that is too short",
      `${HEAD}\n1767225600,v1,200,5\n1767225600,v1`,
      /^This line has 2 cells[^]*recording-\d+:3$/m,
    ],
    ["a time that is none", `${HEAD}\nyesterday,v1,200,5`, /^"yesterday" is no time[^]*recording-\d+:2$/m],
    ["a status that is none", `${HEAD}\n1767225600,v1,777,5`, /^"777" is no status/],
    ["a latency that is none", `${HEAD}\n1767225600,v1,200,NaN`, /^"NaN" is no latency/],
    ["a negative latency", `${HEAD}\n1767225600,v1,200,-4`, /^"-4" is no latency/],
    ["no version", `${HEAD}\n1767225600,,200,4`, /^This line names no version/],
    ["an open quotation", `${HEAD}\n1767225600,"v1,200,4`, /^A quotation mark has no end/],
    [
      "a row that is no JSON",
      '{"second":1,"version":"a"}\n{"second":',
      /^This line is no JSON object[^]*recording-\d+:2$/m,
    ],
    ["a counter that went backwards", '{"second":1,"version":"a","requests":-3}', /^"requests" is -3 and no count/],
    [
      "more failures than requests",
      '{"second":1,"version":"a","requests":3,"status":{"server":4}}',
      /^4 of 3 requests/,
    ],
  ];
  for (const [name, text, message] of bad) {
    it(`is refused with its line: ${name}`, () => match(refusal(text), message));
  }

  it("is refused for a version that is not in it, with those that are", () => {
    match(
      refusal(csv({ seconds: 130 }), { candidate: "v9" }),
      /^No version "v9" is recorded\.[^]*recorded are v1, v2$/m,
    );
  });
});

import type { OptionDefinition } from "../definition.ts";

/** The step, and what is wrong with the candidate. */
export const STEP_OPTIONS: readonly OptionDefinition[] = [
  { flags: "--rps <number>", about: "requests a second of both versions together; by default 50" },
  { flags: "--weight <share>", about: "the candidate's part of them; by default 5%" },
  { flags: "--twin", about: "it is compared with a twin of stable, which gets as much, instead of with all the rest" },
  { flags: "--for <duration>", about: "how long the step lasts; by default 10m" },
  { flags: "--stable-errors <percent>", about: "the part of stable's requests that fails; by default 0.1%" },
  { flags: "--candidate-errors <percent>", about: "the part of the candidate's requests that fails" },
  { flags: "--stable-p95 <duration>", about: "95% of stable's requests are faster" },
  { flags: "--candidate-slower <factor>", about: "the candidate takes so many times as long: 1.3" },
  {
    flags: "--latency-spread <number>",
    about: "standard deviation of the logarithm of latencies; by default 0.6: p95 is 2.7 times p50, p99 1.5 times p95",
  },
  { flags: "--a-a", about: "the candidate is as good as stable, and the traffic unruly: how often is it put back?" },
  {
    flags: "--replay <file>",
    about:
      "judge recorded traffic: a CSV (time, version, status, latency), the data plane's rows as JSON, or live: what it has just now",
  },
  {
    flags: "--candidate <version>",
    about: "with --replay: which version is judged; by default the one that appears last",
  },
  {
    flags: "--stable <version>",
    about: "with --replay: beside which one; by default the twin, or what served most beside it",
  },
  { flags: "--runs <number>", about: "how often the step is played; by default 1000, fewer where that takes minutes" },
  { flags: "--seed <number>", about: "the same seed gives the same answer; by default 1" },
];

/** How it is compared, and kinds of traffic. */
export const TRAFFIC_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: "--weights <guards>",
    about: "parts of the evidence by guard; by default errors=0.625,p95=0.375; p50 and p99 too",
  },
  { flags: "--tolerance <factor>", about: "errors up to so many times stable's are no fault; by default 1.5x" },
  {
    flags: "--latency-tolerance <factor>",
    about: "so are latencies up to so many times stable's, or 25ms more; by default 1.15x",
  },
  {
    flags: "--tempering <number>",
    about:
      "evidence counts so much less: 1/dispersion where errors come in heaps; by default as visitors show it, else 1",
  },
  { flags: "--bursts <percent>", about: "of all requests fail for 20s every 5m, on both; 20% with --a-a, else none" },
  { flags: "--load <factor>", about: "both take so many times as long for 1m every 10m; 2x with --a-a, else 1x" },
  {
    flags: "--visitors <number>",
    about:
      "visitors who stay with one version; 0: every request is somebody else's; 40 for each request a second with --a-a, or where anything is said of them",
  },
  {
    flags: "--activity <number>",
    about: "how much visitors differ in how often they ask: 0 not at all, 1 a hundredfold",
  },
  { flags: "--bots <percent>", about: "of visitors ask a hundred times as often; 0.1% with --a-a" },
  { flags: "--always-failing <percent>", about: "of visitors fail whatever they ask of whom; 0.1% with --a-a" },
  { flags: "--always-slow <percent>", about: "of visitors wait ten times as long, whoever answers; 0.1% with --a-a" },
  {
    flags: "--own-speed <number>",
    about: "how much visitors differ in speed, as --latency-spread: 0 not at all, 0.5 (the default), 1 a lot",
  },
  {
    flags: "--known-for <duration>",
    about: "how long visitors were seen before the release, so that their own speed is known; by default 20m, 0s: not",
  },
  {
    flags: "--count-once <duration>",
    about: "a visitor's failure counts once in so long; by default 10m, 0s for each",
  },
];

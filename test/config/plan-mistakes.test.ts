import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mistakes, planWith, tells } from "./loading.ts";

describe("A plan file with a mistake in it says so", () => {
  it("a key that does not exist is told with the nearest that does", () =>
    tells(
      `
        app: shop
        services:
          api:
            run: node api.js
            route: /api
            replica: 2
        traffic: { embedded: 8080 }
      `,
      `
        \`replica\` is not known here; did you mean \`replicas\`?
          where  tidegate.yaml:6:5 · services.api.replica
          seen   6 |     replica: 2
                   |     ^^^^^^^
          code   plan-key-unknown
      `,
    ));

  it("a key that resembles nothing is told with what is known", () =>
    tells(
      planWith(`
        colour: blue
      `),
      `
        \`colour\` is not known here.
          where  tidegate.yaml:5:1 · colour
          seen   5 | colour: blue
                   | ^^^^^^
          fix    Known here: app, services, compose, traffic, database, guards, metrics, probes, twin, rehearsal, notify, page, people, automaticRollback, budget, keepVersions, patrol, steps.
          code   plan-key-unknown
      `,
    ));

  it("a name with control bytes, which must not speak to the terminal that it is told in", () =>
    tells(
      `
        app: sh\u001B[31mop
        services: { web: { run: node server.js } }
        traffic: { embedded: 8080 }
      `,
      `
        \`app\` must be a short name of small letters, digits and \`-\`, not the text "sh\\u001b[31mop".
          where  tidegate.yaml:1:6 · app
          seen   1 | app: sh\u{FFFD}[31mop
                   |      ^^^^^^^^^
          fix    Write it like \`app: shop\`.
          code   plan-value-invalid
      `,
    ));

  it("more instances than a machine can bear", () =>
    tells(
      `
        app: shop
        services: { web: { run: node server.js, replicas: 5000 } }
        traffic: { embedded: 8080 }
      `,
      `
        \`replicas\` must be at most 100, not 5000.
          where  tidegate.yaml:2:51 · services.web.replicas
          seen   2 | services: { web: { run: node server.js, replicas: 5000 } }
                   |                                                   ^^^^
          code   plan-value-invalid
      `,
    ));

  it("an overlay with nothing in it", async () => {
    await tells(
      planWith(""),
      `
        tidegate.staging.yaml is empty.
          where  tidegate.staging.yaml
          fix    Write into it what differs from the plan file, or remove it.
          code   plan-file-invalid
      `,
      { environment: "staging", files: { "tidegate.staging.yaml": "" } },
    );
  });

  it("a key that is missing", () =>
    tells(
      `
        app: shop
        services:
          web: { build: npm ci }
      `,
      `
        \`run\` is missing.
          where  tidegate.yaml:3:3 · services.web.run
          seen   3 |   web: { build: npm ci }
                   |   ^^^
          fix    Add \`run\`, for example \`run: node server.js --port \${port}\`; or \`compose: SERVICE\` for a service of a compose file.
          code   plan-key-missing
      `,
    ));

  it("a name with letters that can't be in file names", () =>
    tells(
      `
        app: My Shop
        services:
          web: { run: node server.js }
        traffic: { embedded: 8080 }
      `,
      `
        \`app\` must be a short name of small letters, digits and \`-\`, not the text "My Shop".
          where  tidegate.yaml:1:6 · app
          seen   1 | app: My Shop
                   |      ^^^^^^^
          fix    Write it like \`app: shop\`.
          code   plan-value-invalid
      `,
    ));

  it("a duration without a unit", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node server.js, health: { ready: /health, every: 10 } }
        traffic: { embedded: 8080 }
      `,
      `
        \`10\` has no unit.
          where  tidegate.yaml:3:64 · services.web.health.every
          seen   3 |   web: { run: node server.js, health: { ready: /health, every: 10 } }
                   |                                                                ^^
          fix    Write \`10s\` for seconds, \`10m\` for minutes, \`10h\` for hours or \`10d\` for days.
          code   plan-value-invalid
      `,
    ));

  it("a duration in words", () =>
    tells(
      planWith(`
        steps:
          - shift: 100%
            for: 30 minutes
      `),
      `
        \`30 minutes\` is not a duration.
          where  tidegate.yaml:7:10 · steps[0].for
          seen   7 |     for: 30 minutes
                   |          ^^^^^^^^^^
          fix    Write \`30m\`.
          code   plan-value-invalid
      `,
    ));

  it("a share without a unit, and one above all of the traffic", () =>
    tells(
      planWith(`
        steps:
          - shift: 5
          - shift: 120%
      `),
      `
        \`5\` has no unit.
          where  tidegate.yaml:6:12 · steps[0].shift
          seen   6 |   - shift: 5
                   |            ^
          fix    Write \`5%\`.
          code   plan-value-invalid

        \`120%\` is more than all of the traffic.
          where  tidegate.yaml:7:12 · steps[1].shift
          seen   7 |   - shift: 120%
                   |            ^^^^
          fix    A share is at most \`100%\`.
          code   plan-value-invalid
      `,
    ));

  it("a word that is none of those which may stand there", () =>
    tells(
      planWith(`
        steps:
          - shift: 100%
            else: rolback
      `),
      `
        \`else\` must be \`rollback\`, \`hold\` or \`step-back\`, not \`rolback\`; did you mean \`rollback\`?
          where  tidegate.yaml:7:11 · steps[0].else
          seen   7 |     else: rolback
                   |           ^^^^^^^
          code   plan-value-invalid
      `,
    ));

  it("a number where a text belongs", () =>
    tells(
      planWith(`
        steps:
          - shift: 100%
          - notify: 42
      `),
      `
        \`notify\` must be a message, not the number 42.
          where  tidegate.yaml:7:13 · steps[1].notify
          seen   7 |   - notify: 42
                   |             ^^
          fix    Write it like \`notify: Release begins\`.
          code   plan-value-invalid
      `,
    ));

  it("a list where an object belongs", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node server.js }
        traffic: [8080]
      `,
      `
        \`traffic\` must be an object, not a list.
          where  tidegate.yaml:4:10 · traffic
          seen   4 | traffic: [8080]
                   |          ^^^^^^
          code   plan-value-invalid
      `,
    ));

  it("a number that is too small", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node server.js, replicas: 0 }
        traffic: { embedded: 8080 }
      `,
      `
        \`replicas\` must be at least 1, not 0.
          where  tidegate.yaml:3:41 · services.web.replicas
          seen   3 |   web: { run: node server.js, replicas: 0 }
                   |                                         ^
          code   plan-value-invalid
      `,
    ));

  it("a health path that is an address", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node server.js, health: "http://localhost/health" }
        traffic: { embedded: 8080 }
      `,
      `
        \`health\` must be a path that begins with \`/\`, not the text "http://localhost/health".
          where  tidegate.yaml:3:39 · services.web.health
          seen   3 |   web: { run: node server.js, health: "http://localhost/health" }
                   |                                       ^^^^^^^^^^^^^^^^^^^^^^^^^
          fix    Write it like \`health: /health\`.
          code   plan-value-invalid
      `,
    ));

  it("an empty list of steps", () =>
    tells(
      planWith(`
        steps: []
      `),
      `
        \`steps\` is empty.
          where  tidegate.yaml:5:8 · steps
          seen   5 | steps: []
                   |        ^^
          code   plan-value-invalid
      `,
    ));

  it("a step that is mistyped", () =>
    tells(
      planWith(`
        steps:
          - shfit: 100%
      `),
      `
        \`shfit\` is no step; did you mean \`shift\`?
          where  tidegate.yaml:6:5 · steps[0].shfit
          seen   6 |   - shfit: 100%
                   |     ^^^^^
          code   plan-key-unknown
      `,
    ));

  it("a step that is no step at all", () =>
    tells(
      planWith(`
        steps:
          - deploy: now
          - 17
      `),
      `
        \`deploy\` is no step.
          where  tidegate.yaml:6:5 · steps[0].deploy
          seen   6 |   - deploy: now
                   |     ^^^^^^
          fix    A step is one of: check, approve, window, backup, migrate, start, smoke, warm, shift, notify, run, retire, phase.
          code   plan-key-unknown

        A step must be an object with one of check, approve, window, backup, migrate, start, smoke, warm, shift, notify, run, retire, phase, not the number 17.
          where  tidegate.yaml:7:5 · steps[1]
          seen   7 |   - 17
                   |     ^^
          fix    Write it like \`- shift: 5%\`.
          code   plan-value-invalid
      `,
    ));

  it("a forgotten dash between two steps", () =>
    tells(
      planWith(`
        steps:
          - smoke:
            shift: 100%
      `),
      `
        A step does one thing, and here stand \`smoke\` and \`shift\`.
          where  tidegate.yaml:7:5 · steps[0].shift
          seen   7 |     shift: 100%
                   |     ^^^^^
          fix    Begin each of them with its own \`- \`.
          code   plan-value-invalid
      `,
    ));

  it("a step without the value that it needs", () =>
    tells(
      planWith(`
        steps:
          - shift
      `),
      `
        \`shift\` needs a value.
          where  tidegate.yaml:6:5 · steps[0]
          seen   6 |   - shift
                   |     ^^^^^
          fix    Write \`shift: 5%\`.
          code   plan-value-invalid
      `,
    ));

  it("`for` on a step that does not last", () =>
    tells(
      planWith(`
        steps:
          - smoke: [GET /health]
            for: 10m
          - shift: 100%
      `),
      `
        \`for\` has no meaning on \`smoke\`: it belongs to \`shift\`.
          where  tidegate.yaml:7:5 · steps[0].for
          seen   7 |     for: 10m
                   |     ^^^
          fix    Remove it, or move it to the step that it is meant for.
          code   plan-key-unknown
      `,
    ));

  it("a phase in a phase", () =>
    tells(
      planWith(`
        steps:
          - phase: outer
            steps:
              - phase: inner
                steps: [{ shift: 100% }]
      `),
      `
        A phase holds no further phases.
          where  tidegate.yaml:8:9 · steps[0].steps[0].phase
          seen   8 |       - phase: inner
                   |         ^^^^^
          fix    Move this phase out, after the one that it stands in.
          code   plan-key-unknown
      `,
    ));

  it("a limit in the unit of another metric", () =>
    tells(
      planWith(`
        guards:
          p95: { rollback: 1% }
          errors: { rollback: 3s }
          restarts: { rollback: 1.5x }
      `),
      `
        \`1%\` is not a duration.
          where  tidegate.yaml:6:20 · guards.p95.rollback
          seen   6 |   p95: { rollback: 1% }
                   |                    ^^
          fix    Limits on p95 are written as \`800ms\` or \`3s\`, or \`1.5x\` against stable.
          code   plan-value-invalid

        \`3s\` is not a share.
          where  tidegate.yaml:7:23 · guards.errors.rollback
          seen   7 |   errors: { rollback: 3s }
                   |                       ^^
          fix    Limits on errors are written as \`1%\`, or \`1.5x\` against stable.
          code   plan-value-invalid

        \`1.5x\` compares restarts with stable, which says nothing: stable has mostly none.
          where  tidegate.yaml:8:25 · guards.restarts.rollback
          seen   8 |   restarts: { rollback: 1.5x }
                   |                         ^^^^
          fix    Limits on restarts are written as a plain number, \`2\`.
          code   plan-value-invalid
      `,
    ));

  it("a limit that a healthy version would break", () =>
    tells(
      planWith(`
        guards:
          errors: { rollback: 0.9x }
          availability: { rollback: "> 99%" }
      `),
      `
        \`0.9x\` would fail a version that is as good as stable.
          where  tidegate.yaml:6:23 · guards.errors.rollback
          seen   6 |   errors: { rollback: 0.9x }
                   |                       ^^^^
          fix    More is worse for errors: write a factor above 1, like \`1.5x\`.
          code   plan-value-invalid

        \`> 99%\` would fail a healthy version: less is worse for availability.
          where  tidegate.yaml:7:29 · guards.availability.rollback
          seen   7 |   availability: { rollback: "> 99%" }
                   |                             ^^^^^^^
          fix    Write \`< 99%\`.
          code   plan-value-invalid
      `,
    ));

  it("a limit that says nothing of what happens then", () =>
    tells(
      planWith(`
        guards:
          errors: 1%
      `),
      `
        \`errors\` must be an object with \`warn\`, \`hold\` or \`rollback\`, or \`off\`, not the text "1%".
          where  tidegate.yaml:6:11 · guards.errors
          seen   6 |   errors: 1%
                   |           ^^
          fix    Write it like \`errors: { rollback: 1% }\`.
          code   plan-value-invalid
      `,
    ));

  it("a warning beyond the rollback", () =>
    tells(
      planWith(`
        guards:
          errors: { warn: 2%, rollback: 1% }
      `),
      `
        \`warn\` is beyond \`rollback\` here, so it is never reached.
          where  tidegate.yaml:6:19 · guards.errors.warn
          seen   6 |   errors: { warn: 2%, rollback: 1% }
                   |                   ^^
          fix    Swap the two limits.
          code   plan-value-invalid
      `,
    ));

  it("a limit in one list of several", () =>
    tells(
      planWith(`
        guards:
          errors: { rollback: [1%, 3] }
      `),
      `
        \`3\` has no unit.
          where  tidegate.yaml:6:28 · guards.errors.rollback[1]
          seen   6 |   errors: { rollback: [1%, 3] }
                   |                            ^
          fix    Limits on errors are written as \`1%\`, or \`1.5x\` against stable.
          code   plan-value-invalid
      `,
    ));

  it("a limit that could never be measured", () =>
    tells(
      planWith(`
        guards:
          before: { errors: { rollback: 1% } }
          after: { cpu: { hold: 1.5x } }
      `),
      `
        This limit is never looked at: no request reaches the new version before the first shift.
          where  tidegate.yaml:6:33 · guards.before.errors.rollback
          seen   6 |   before: { errors: { rollback: 1% } }
                   |                                 ^^
          fix    Remove it, or move it to where it can be measured.
          code   plan-value-invalid

        This limit is never looked at: only while the traffic is split, below 100%, is there a stable to compare with (\`after\`, and the guards of the shift to 100% itself, compare errors and latencies with stable before it).
          where  tidegate.yaml:7:25 · guards.after.cpu.hold
          seen   7 |   after: { cpu: { hold: 1.5x } }
                   |                         ^^^^
          fix    Remove it, or move it to where it can be measured.
          code   plan-value-invalid
      `,
    ));

  it("an objective that could never be burnt, or that nothing is asked of", () =>
    tells(
      planWith(`
        guards:
          errors: { slo: 99.9% }
          p50: { slo: 200ms }
          p95: { slo: 1.5x }
          cpu: { slo: 80% }
          availability: { slo: 100% }
      `),
      `
        With \`99.9%\` as objective for errors 100% may fail, so no failure burns that 14.4 times as fast.
          where  tidegate.yaml:6:18 · guards.errors.slo
          seen   6 |   errors: { slo: 99.9% }
                   |                  ^^^^^
          fix    Objectives of errors are written as \`0.1%\`. Or write \`availability: { slo: 99.9% }\`.
          code   plan-value-invalid

        Half of all answers may take longer than an objective for p50, so nothing burns that 14.4 times as fast.
          where  tidegate.yaml:7:15 · guards.p50.slo
          seen   7 |   p50: { slo: 200ms }
                   |               ^^^^^
          fix    Write it for p95 or p99.
          code   plan-value-invalid

        \`1.5x\` is a limit and no objective.
          where  tidegate.yaml:8:15 · guards.p95.slo
          seen   8 |   p95: { slo: 1.5x }
                   |               ^^^^
          fix    Objectives of p95 are written as \`500ms\`.
          code   plan-value-invalid

        \`slo\` is about requests, and CPU is not.
          where  tidegate.yaml:9:15 · guards.cpu.slo
          seen   9 |   cpu: { slo: 80% }
                   |               ^^^
          fix    Write it for errors, availability, p95, p99 or websockets.
          code   plan-value-invalid

        \`100%\` leaves nothing that may fail, and so no budget to burn.
          where  tidegate.yaml:10:24 · guards.availability.slo
          seen   10 |   availability: { slo: 100% }
                    |                        ^^^^
          fix    Objectives of availability are written as \`99.9%\`.
          code   plan-value-invalid
      `,
    ));

  it("an objective where the traffic is split, or nobody comes", () =>
    tells(
      planWith(`
        guards:
          before: { errors: { slo: 0.1% } }
          during: { p95: { slo: 1s } }
      `),
      `
        This limit is never looked at: no request reaches the new version before the first shift.
          where  tidegate.yaml:6:28 · guards.before.errors.slo
          seen   6 |   before: { errors: { slo: 0.1% } }
                   |                            ^^^^
          fix    Remove it, or move it to where it can be measured.
          code   plan-value-invalid

        This limit is never looked at: while the traffic is split the new version is compared with stable, and its objective is asked for once it has all of it.
          where  tidegate.yaml:7:25 · guards.during.p95.slo
          seen   7 |   during: { p95: { slo: 1s } }
                   |                         ^^
          fix    Remove it, or move it to where it can be measured.
          code   plan-value-invalid
      `,
    ));

  it("parts of the release's life on a step", () =>
    tells(
      planWith(`
        steps:
          - shift: 100%
            guards: { after: { errors: { rollback: 1% } } }
      `),
      `
        \`after\` has no meaning here: a step or phase has one place in the release's life.
          where  tidegate.yaml:7:15 · steps[0].guards.after
          seen   7 |     guards: { after: { errors: { rollback: 1% } } }
                   |               ^^^^^
          fix    Write the metrics themselves, or move it to the \`guards:\` of the whole plan.
          code   plan-key-unknown
      `,
    ));

  it("a secret in plain text where the journal would keep it", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node server.js }
        traffic: { embedded: 8080, pins: { token: s3cr3t } }
      `,
      `
        A secret can't stand here in plain text: the plan is kept in the journal.
          where  tidegate.yaml:4:43 · traffic.pins.token
          seen   4 | traffic: { embedded: 8080, pins: { token: ••• } }
                   |                                           ^^^
          fix    Write a reference to an environment variable: \`token: \${PIN_TOKEN}\`.
          code   plan-value-invalid
      `,
    ));

  it("a secret is shown with no mistake, neither its own nor another one in its line", async () => {
    const lines = [
      "traffic: { embedded: 8080, pins: { token: s3cr3t-word, tokn: 3 } }",
      "traffic: { embedded: 8080, pins: { token: [s3cr3t-word] } }",
      'traffic: { embedded: 8080, pins: { token: "s3cr3t-word } }',
      "traffic: { embedded: 8080, pins: { token: s3cr3t-word: 1 } }",
      'notify: { email: { to: ann@example.com, smtp: "smtp://ann:s3cr3t-word@mail.example.com", colour: blue } }',
      'notify: { slack: "https://hooks.slack.example/services/T1/s3cr3t-word", colour: blue }',
      'notify: { slack: "htps://hooks.slack.example/services/T1/s3cr3t-word" }',
      "page: { pagerduty: s3cr3t-word }",
      "database: { url: postgres://ann:s3cr3t-word@db/shop, migrations: db, colour: blue }",
      "guards: { carts: { prometheus: carts, headers: { X-Api-Key: s3cr3t-word }, colour: blue } }",
      'guards: { carts: { prometheus: carts, headers: { authorization: "Bearer s3cr3t-word" }, colour: blue } }',
    ];
    for (const line of lines) {
      const said = await mistakes(`app: shop\nservices:\n  web: { run: node server.js }\n${line}\n`);
      assert.doesNotMatch(said, /s3cr3t/, said);
      assert.match(said, /•••/, said);
    }
  });

  it("a reference to a secret is shown as it stands, and the carets stand below what they mean", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node server.js }
        traffic: { embedded: 8080, pins: { token: "\${PIN_TOKEN}", heder: x-shop } }
      `,
      `
        \`heder\` is not known here; did you mean \`header\`?
          where  tidegate.yaml:4:59 · traffic.pins.heder
          seen   4 | traffic: { embedded: 8080, pins: { token: "\${PIN_TOKEN}", heder: x-shop } }
                   |                                                           ^^^^^
          code   plan-key-unknown
      `,
      { env: { PIN_TOKEN: "s3cr3t" } },
    ));

  it("several mistakes at once, in the order of their lines", () =>
    tells(
      planWith(`
        notfy: {}
        patrol: 5
        steps:
          - shift: 50%
          - shift: 25%
          - retire
          - evidence: rehearsed
      `),
      `
        \`notfy\` is not known here; did you mean \`notify\`?
          where  tidegate.yaml:5:1 · notfy
          seen   5 | notfy: {}
                   | ^^^^^
          code   plan-key-unknown

        \`5\` has no unit.
          where  tidegate.yaml:6:9 · patrol
          seen   6 | patrol: 5
                   |         ^
          fix    Write \`5s\` for seconds, \`5m\` for minutes, \`5h\` for hours or \`5d\` for days.
          code   plan-value-invalid

        The share goes down here, from 50% to 25%.
          where  tidegate.yaml:9:12 · steps[1].shift
          seen   9 |   - shift: 25%
                   |            ^^^
          fix    Shares only go up in a plan; going back is what \`else: step-back\` and a rollback do.
          code   plan-steps-order

        \`evidence\` is not built yet in this version of Tidegate (0.1): it comes with the release room part.
          where  tidegate.yaml:11:5 · steps[3].evidence
          seen   11 |   - evidence: rehearsed
                    |     ^^^^^^^^
          fix    Remove the step, or ask for it in a checklist: \`check: FILE.md\`.
          code   plan-key-not-built
      `,
    ));
});

import { describe, it } from "node:test";
import { planWith, tells } from "./loading.ts";

describe("A plan that reads well and makes no sense is refused", () => {
  it("shares that go down", () =>
    tells(
      planWith(`
        steps:
          - shift: 25%
          - shift: 5%
          - shift: 100%
      `),
      `
        The share goes down here, from 25% to 5%.
          where  tidegate.yaml:7:12 · steps[1].shift
          seen   7 |   - shift: 5%
                   |            ^^
          fix    Shares only go up in a plan; going back is what \`else: step-back\` and a rollback do.
          code   plan-steps-order
      `,
    ));

  it("shares that go down within one list, and over a phase", () =>
    tells(
      planWith(`
        steps:
          - phase: canary
            steps:
              - shift: [5%, 25%, 10%]
          - shift: 20%
          - shift: 100%
      `),
      `
        The share goes down here, from 25% to 10%.
          where  tidegate.yaml:8:26 · steps[0].steps[0].shift[2]
          seen   8 |       - shift: [5%, 25%, 10%]
                   |                          ^^^
          fix    Shares only go up in a plan; going back is what \`else: step-back\` and a rollback do.
          code   plan-steps-order
      `,
    ));

  it("a part of the traffic where two versions must never serve at once", () =>
    tells(
      underPause("10s", "- shift: [50%, 100%]"),
      `
        \`traffic.pause\` says that two versions never serve at once, and at 50% both do.
          where  tidegate.yaml:7:13 · steps[0].shift[0]
          seen   7 |   - shift: [50%, 100%]
                   |             ^^^
          fix    Make \`shift: 100%\` the only shift, or remove \`pause\`.
          code   plan-steps-order
      `,
    ));

  it("a pause that outlasts everybody's patience", () =>
    tells(
      underPause("2m", "- shift: 100%"),
      `
        Requests can't be held for longer than a minute.
          where  tidegate.yaml:5:10 · traffic.pause
          seen   5 |   pause: 2m
                   |          ^^
          fix    Write how long requests of yours take at most: \`pause: 10s\`.
          code   plan-value-invalid
      `,
    ));

  it("a share that is given twice", () =>
    tells(
      planWith(`
        steps:
          - shift: 5%
          - shift: 5%
          - shift: 100%
      `),
      `
        The share is 5% already.
          where  tidegate.yaml:7:12 · steps[1].shift
          seen   7 |   - shift: 5%
                   |            ^^
          fix    Remove this shift, or give the one before it more time with \`for\`.
          code   plan-steps-order
      `,
    ));

  it("a share of nothing", () =>
    tells(
      planWith(`
        steps:
          - shift: [0%, 100%]
      `),
      `
        A shift to 0% gives the new version nothing.
          where  tidegate.yaml:6:13 · steps[0].shift[0]
          seen   6 |   - shift: [0%, 100%]
                   |             ^^
          fix    Begin with a share above 0%.
          code   plan-steps-order
      `,
    ));

  it("no shift to 100%", () =>
    tells(
      planWith(`
        steps:
          - shift: 5%
          - shift: 50%
      `),
      `
        No shift gives the new version all of the traffic: the highest is 50%.
          where  tidegate.yaml:7:12 · steps[1].shift
          seen   7 |   - shift: 50%
                   |            ^^^
          fix    End with \`- shift: 100%\`.
          code   plan-steps-order
      `,
    ));

  it("no shift at all", () =>
    tells(
      planWith(`
        steps: [start, smoke]
      `),
      `
        No step gives the new version any traffic.
          where  tidegate.yaml:5:1 · steps
          seen   5 | steps: [start, smoke]
                   | ^^^^^
          fix    End with \`- shift: 100%\`.
          code   plan-steps-order
      `,
    ));

  it("`retire` before 100%", () =>
    tells(
      planWith(`
        steps:
          - shift: 5%
          - retire
          - shift: 100%
      `),
      `
        \`retire\` comes before the shift to 100%: the old version still has traffic.
          where  tidegate.yaml:7:5 · steps[1].retire
          seen   7 |   - retire
                   |     ^^^^^^
          fix    Move it behind \`- shift: 100%\`.
          code   plan-steps-order
      `,
    ));

  it("a shift after `retire`", () =>
    tells(
      planWith(`
        steps:
          - shift: 100%
          - retire
          - shift: 5%
      `),
      `
        This shift comes after \`retire\`: there is no old version any more to shift from.
          where  tidegate.yaml:8:12 · steps[2].shift
          seen   8 |   - shift: 5%
                   |            ^^
          fix    Move \`retire\` behind the last shift.
          code   plan-steps-order
      `,
    ));

  it("`start` after what needs it", () =>
    tells(
      planWith(`
        steps:
          - smoke
          - start
          - shift: 100%
      `),
      `
        \`smoke\` needs the new version to run, and \`start\` comes later.
          where  tidegate.yaml:6:5 · steps[0].smoke
          seen   6 |   - smoke
                   |     ^^^^^
          fix    Move \`start\` before it, or leave \`start\` out: it is put in by itself.
          code   plan-steps-order
      `,
    ));

  it("`start` and `retire` twice", () =>
    tells(
      planWith(`
        steps:
          - start
          - start
          - shift: 100%
          - retire
          - retire
      `),
      `
        \`start\` stands in the plan twice.
          where  tidegate.yaml:7:5 · steps[1].start
          seen   7 |   - start
                   |     ^^^^^
          fix    Keep the first one.
          code   plan-steps-order

        \`retire\` stands in the plan twice.
          where  tidegate.yaml:10:5 · steps[4].retire
          seen   10 |   - retire
                    |     ^^^^^^
          fix    Keep one of them.
          code   plan-steps-order
      `,
    ));

  it("`after` where the release is not live yet", () =>
    tells(
      planWith(`
        steps:
          - shift: 5%
          - approve: approver
            after: 24h
          - shift: 100%
      `),
      `
        \`after\` counts from the moment at which the release is live, and here it is not live yet.
          where  tidegate.yaml:8:5 · steps[1].after
          seen   8 |     after: 24h
                   |     ^^^^^
          fix    Move the step behind the last shift, or give a shift more time with \`for\`.
          code   plan-steps-order
      `,
    ));

  it("stepping back where there is nothing to step back to", () =>
    tells(
      planWith(`
        steps:
          - shift: 5%
            else: step-back
          - shift: 100%
      `),
      `
        There is no earlier share to step back to.
          where  tidegate.yaml:7:11 · steps[0].else
          seen   7 |     else: step-back
                   |           ^^^^^^^^^
          fix    Write \`else: rollback\` or \`else: hold\`.
          code   plan-steps-order
      `,
    ));

  it("shares written twice, and not at all", () =>
    tells(
      planWith(`
        steps:
          - shift: 5%
            to: [25%, 100%]
          - shift:
            for: 3m
          - shift: 100%
      `),
      `
        The shares stand here twice: after \`shift:\` and after \`to:\`.
          where  tidegate.yaml:7:5 · steps[0].to
          seen   7 |     to: [25%, 100%]
                   |     ^^
          fix    Keep one of them.
          code   plan-key-twice

        \`shift\` needs a share.
          where  tidegate.yaml:8:5 · steps[1].shift
          seen   8 |   - shift:
                   |     ^^^^^
          fix    Write \`shift: 5%\`.
          code   plan-key-missing
      `,
    ));

  it("a role that nobody has, and more approvals than people", () =>
    tells(
      planWith(`
        people: { alice: [approver], bob: qa }
        steps:
          - approve: aprover
          - approve: { role: approver, count: 2 }
          - shift: 100%
      `),
      `
        Nobody has the role \`aprover\`; did you mean \`approver\`?
          where  tidegate.yaml:7:14 · steps[0].approve
          seen   7 |   - approve: aprover
                   |              ^^^^^^^
          fix    Roles under \`people:\` are: approver, qa. \`anyone\` is the whole team.
          code   plan-name-unknown

        2 approvals are asked for, and one person has the role \`approver\`.
          where  tidegate.yaml:8:39 · steps[1].approve.count
          seen   8 |   - approve: { role: approver, count: 2 }
                   |                                       ^
          fix    Give the role to more people under \`people:\`, or ask for fewer.
          code   plan-value-invalid
      `,
    ));

  it("a window that is no time of week, has no zone, or one that does not exist", () =>
    tells(
      planWith(`
        steps:
          - window: Tue-Thu 9-16 Europe/Berlin
          - window: "Tue-Thu 09:00-16:00"
          - window: ["Tue 09:00-16:00 Europe/Berln", "Xyz 10:00-12:00 UTC"]
          - window: { quietest: 90m }
          - shift: 100%
      `),
      `
        \`Tue-Thu 9-16 Europe/Berlin\` is not a time of week.
          where  tidegate.yaml:6:13 · steps[0].window
          seen   6 |   - window: Tue-Thu 9-16 Europe/Berlin
                   |             ^^^^^^^^^^^^^^^^^^^^^^^^^^
          fix    Write days, hours and the time zone: "Tue-Thu 09:00-16:00 Europe/Berlin".
          code   plan-value-invalid

        \`Tue-Thu 09:00-16:00\` has no time zone.
          where  tidegate.yaml:7:13 · steps[1].window
          seen   7 |   - window: "Tue-Thu 09:00-16:00"
                   |             ^^^^^^^^^^^^^^^^^^^^^
          fix    Add it: "Tue-Thu 09:00-16:00 Europe/Berlin", or "Tue-Thu 09:00-16:00 UTC".
          code   plan-value-invalid

        \`Europe/Berln\` is not a time zone.
          where  tidegate.yaml:8:31 · steps[2].window[0]
          seen   8 |   - window: ["Tue 09:00-16:00 Europe/Berln", "Xyz 10:00-12:00 UTC"]
                   |                               ^^^^^^^^^^^^
          fix    Write one like \`Europe/Berlin\` or \`UTC\`.
          code   plan-name-unknown

        \`Xyz\` is not a day of the week.
          where  tidegate.yaml:8:46 · steps[2].window[1]
          seen   8 |   - window: ["Tue 09:00-16:00 Europe/Berln", "Xyz 10:00-12:00 UTC"]
                   |                                              ^^^^^^^^^^^^^^^^^^^^^
          fix    Write days, hours and the time zone: "Tue-Thu 09:00-16:00 Europe/Berlin".
          code   plan-value-invalid

        The quietest part of a day is counted in whole hours, from 1 to 23.
          where  tidegate.yaml:9:25 · steps[3].window.quietest
          seen   9 |   - window: { quietest: 90m }
                   |                         ^^^
          fix    Write \`quietest: 3h\`.
          code   plan-value-invalid
      `,
    ));

  it("a message to somebody who is not there", () =>
    tells(
      planWith(`
        notify: { webhook: { ops: "https://chat.example.com/hook" } }
        steps:
          - notify: It begins.
            to: op
          - shift: 100%
      `),
      `
        There is no \`op\` under \`notify:\`; did you mean \`ops\`?
          where  tidegate.yaml:8:9 · steps[0].to
          seen   8 |     to: op
                   |         ^^
          fix    Known: terminal, ops.
          code   plan-name-unknown
      `,
    ));

  it("a route that two services claim", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node web.js, route: [/, shop.example.com/api] }
          api: { run: node api.js, route: shop.example.com/api/ }
        traffic: { embedded: 8080 }
      `,
      `
        The route \`shop.example.com/api\` belongs to \`web\` already.
          where  tidegate.yaml:4:35 · services.api.route
          seen   4 |   api: { run: node api.js, route: shop.example.com/api/ }
                   |                                   ^^^^^^^^^^^^^^^^^^^^^
          fix    Each route leads to one service: give one of them another path or host.
          code   plan-value-invalid
      `,
    ));

  it("a time without a watcher that any hiccup would be", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node web.js }
        traffic: { embedded: 8080, unwatched: { after: 500ms } }
      `,
      `
        500ms is too short a time to be sure that nobody watches.
          where  tidegate.yaml:4:48 · traffic.unwatched.after
          seen   4 | traffic: { embedded: 8080, unwatched: { after: 500ms } }
                   |                                                ^^^^^
          fix    Give it 2s or more; 2m is usual.
          code   plan-value-invalid
      `,
    ));

  it("a route that is an address", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node web.js, route: "https://shop.example.com/" }
        traffic: { embedded: 8080 }
      `,
      `
        \`https://shop.example.com/\` is an address, not a route.
          where  tidegate.yaml:3:35 · services.web.route
          seen   3 |   web: { run: node web.js, route: "https://shop.example.com/" }
                   |                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^
          fix    Write \`shop.example.com/\`.
          code   plan-value-invalid
      `,
    ));

  it("nobody who gets the traffic", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node web.js }
          worker: { run: node worker.js }
        traffic: { embedded: 8080 }
      `,
      `
        No service has a route, so nobody gets the traffic.
          where  tidegate.yaml:2:1 · services
          seen   2 | services:
                   | ^^^^^^^^
          fix    Give the service that answers requests a \`route\`: \`route: /\`.
          code   plan-key-missing
      `,
    ));

  it("a route and nobody who splits the traffic", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node web.js, route: / }
      `,
      `
        \`traffic\` is missing: \`web\` has a route, and nobody splits its traffic.
          where  tidegate.yaml:3:28 · services.web.route
          seen   3 |   web: { run: node web.js, route: / }
                   |                            ^^^^^
          fix    Add \`traffic: { embedded: 8080 }\`: Tidegate's own proxy, on port 8080.
          code   plan-key-missing
      `,
    ));

  it("no service at all", () =>
    tells(
      `
        app: shop
        services: {}
        traffic: { embedded: 8080 }
      `,
      `
        There is no service.
          where  tidegate.yaml:2:1 · services
          seen   2 | services: {}
                   | ^^^^^^^^
          fix    Add one: \`services: { web: { run: node server.js } }\`.
          code   plan-key-missing
      `,
    ));

  it("a port that is listened on twice, and one that is none", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node web.js }
        traffic: { embedded: [8080, "127.0.0.1:8080", "0.0.0.0:99999"] }
      `,
      `
        \`127.0.0.1:8080\` is listened on twice.
          where  tidegate.yaml:4:29 · traffic.embedded[1]
          seen   4 | traffic: { embedded: [8080, "127.0.0.1:8080", "0.0.0.0:99999"] }
                   |                             ^^^^^^^^^^^^^^^^
          fix    Remove one of them.
          code   plan-value-invalid

        99999 is not a port.
          where  tidegate.yaml:4:47 · traffic.embedded[2]
          seen   4 | traffic: { embedded: [8080, "127.0.0.1:8080", "0.0.0.0:99999"] }
                   |                                               ^^^^^^^^^^^^^^^
          fix    Ports end at 65535.
          code   plan-value-invalid
      `,
    ));

  it("a folder outside of the version, and `overlap` on a service with a route", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node web.js, directory: ../other, files: [/etc/passwd], overlap: true }
        traffic: { embedded: 8080 }
      `,
      `
        \`../other\` lies outside the version's folder.
          where  tidegate.yaml:3:39 · services.web.directory
          seen   3 |   web: { run: node web.js, directory: ../other, files: [/etc/passwd], overlap: true }
                   |                                       ^^^^^^^^
          fix    Write a path without \`..\` that does not begin with \`/\`.
          code   plan-value-invalid

        \`/etc/passwd\` lies outside the version's folder.
          where  tidegate.yaml:3:57 · services.web.files[0]
          seen   3 |   web: { run: node web.js, directory: ../other, files: [/etc/passwd], overlap: true }
                   |                                                         ^^^^^^^^^^^
          fix    Write a path without \`..\` that does not begin with \`/\`.
          code   plan-value-invalid

        \`overlap\` has no meaning on \`web\`: it has a route, so both versions run while the traffic is split anyway.
          where  tidegate.yaml:3:71 · services.web.overlap
          seen   3 |   web: { run: node web.js, directory: ../other, files: [/etc/passwd], overlap: true }
                   |                                                                       ^^^^^^^
          fix    Remove it.
          code   plan-value-invalid
      `,
    ));

  it("warming what has no pages", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node web.js, route: / }
          worker: { run: node worker.js }
        traffic: { embedded: 8080 }
        steps:
          - warm: { pages: [/], service: worker }
          - shift: 100%
      `,
      `
        There is no service \`worker\` with a route.
          where  tidegate.yaml:7:34 · steps[0].warm.service
          seen   7 |   - warm: { pages: [/], service: worker }
                   |                                  ^^^^^^
          fix    Services with a route: web.
          code   plan-name-unknown
      `,
    ));

  it("a reference that is not set, is mistyped, or can't stand there", () =>
    tells(
      `
        app: shop
        services:
          web:
            run: node web.js --port \${prot} --db \${DATABASE_URL} \${SHELL:-sh} $$
            build: npm ci --port \${port}
            env: { TOKEN: "\${SHOP_TOKEN}", PRICE: "$\${NOT_MINE}" }
            route: \${HOST}/
        traffic: { embedded: 8080 }
        steps:
          - notify: going out, \${TOKEN}
          - run: ./purge.sh \${version}
          - shift: 100%
      `,
      `
        \`\${prot}\` is not known here; did you mean \`\${port}\`?
          where  tidegate.yaml:4:29 · services.web.run
          seen   4 |     run: node web.js --port \${prot} --db \${DATABASE_URL} \${SHELL:-sh} $$
                   |                             ^^^^^^^
          fix    Known here: \${port}, \${version}, \${dir}, \${slot}. A variable of the shell's own is written \`$prot\`.
          code   plan-name-unknown

        \`\${DATABASE_URL}\` is not set in the environment.
          where  tidegate.yaml:4:42 · services.web.run
          seen   4 |     run: node web.js --port \${prot} --db \${DATABASE_URL} \${SHELL:-sh} $$
                   |                                          ^^^^^^^^^^^^^^^
          fix    Set DATABASE_URL in the environment in which Tidegate runs. A variable of the shell's own is written \`$DATABASE_URL\`.
          code   environment-variable-missing

        \`\${port}\` is not known here.
          where  tidegate.yaml:5:26 · services.web.build
          seen   5 |     build: npm ci --port \${port}
                   |                          ^^^^^^^
          fix    Known here: \${version}, \${dir}. A variable of the shell's own is written \`$port\`.
          code   plan-name-unknown

        \`\${HOST}\` can't stand here: only what is used while the release runs may come from the environment.
          where  tidegate.yaml:7:12 · services.web.route
          seen   7 |     route: \${HOST}/
                   |            ^^^^^^^
          fix    Write the value itself.
          code   plan-value-invalid

        \`\${TOKEN}\` can't stand here: only what is used while the release runs may come from the environment.
          where  tidegate.yaml:10:24 · steps[0].notify
          seen   10 |   - notify: going out, \${TOKEN}
                    |                        ^^^^^^^^
          fix    Write the value itself.
          code   plan-value-invalid
      `,
      { env: { SHOP_TOKEN: "x" } },
    ));
});

function underPause(pause: string, step: string): string {
  return `app: shop
services: { web: { run: node server.js, health: /health } }
traffic:
  embedded: 8080
  pause: ${pause}
steps:
  ${step}`;
}

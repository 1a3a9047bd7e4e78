import { describe, it } from "node:test";
import { planWith, tells } from "./loading.ts";

describe("Mistakes in checklists and smoke files are told with the plan", () => {
  it("a checklist and a smoke file that do not exist", () =>
    tells(
      planWith(`
        steps:
          - check: checklists/prod.md
          - smoke: [smoke/critical.yaml, smoke/more.yaml]
          - shift: 100%
      `),
      `
        The file \`checklists/prod.md\` does not exist.
          where  tidegate.yaml:6:12 · steps[0].check
          seen   6 |   - check: checklists/prod.md
                   |            ^^^^^^^^^^^^^^^^^^
          fix    Paths are meant from the plan file's folder. That folder holds production.md.
          code   plan-file-not-found

        The file \`smoke/critical.yaml\` does not exist.
          where  tidegate.yaml:7:13 · steps[1].smoke[0]
          seen   7 |   - smoke: [smoke/critical.yaml, smoke/more.yaml]
                   |             ^^^^^^^^^^^^^^^^^^^
          fix    Paths are meant from the plan file's folder. That folder holds more.yaml.
          code   plan-file-not-found
      `,
      {
        files: {
          "checklists/production.md": `
          - [ ] x
        `,
          "smoke/more.yaml": `
          - GET /
        `,
        },
      },
    ));

  it("mistakes in a checklist, at their own place", () =>
    tells(
      planWith(`
        people: { alice: approver }
        steps:
          - check: checklists/production.md
          - shift: 100%
      `),
      `
        \`htp\` is no machine check; did you mean \`http\`?
          where  checklists/production.md:3:35
          seen   3 | - [ ] The API answers <!-- check: htp https://example.com/ -->
                   |                                   ^^^^^^^^^^^^^^^^^^^^^^^^
          fix    A check is one of: http, command, file, certificate, disk, dns, rehearsed.
          code   checklist-invalid

        \`http https://example.com/ contians "ok"\` is not a check of the kind \`http\`.
          where  checklists/production.md:4:41
          seen   4 | - [ ] It has the right text <!-- check: http https://example.com/ contians "ok" -->
                   |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          fix    Write it like \`http https://shop.example.com/health status 200 contains "ok"\`.
          code   checklist-invalid

        Nobody has the role \`legal\`.
          where  checklists/production.md:5:35
          seen   5 | - [ ] Legal has agreed <!-- role: legal -->
                   |                                   ^^^^^
          fix    Roles under \`people:\` are: approver. \`anyone\` is the whole team.
          code   plan-name-unknown

        This line looks like a checklist item, and is none.
          where  checklists/production.md:6:1
          seen   6 | -[ ] Forgotten blank
                   | ^^^^^^^^^^^^^^^^^^^^
          fix    Write \`- [ ] text\`, with a space in the brackets and one after them.
          code   checklist-invalid

        \`5\` has no unit.
          where  checklists/production.md:7:55
          seen   7 | - [ ] In time <!-- check: file a.txt --> <!-- within: 5 -->
                   |                                                       ^
          fix    Write \`5s\` for seconds, \`5m\` for minutes, \`5h\` for hours or \`5d\` for days.
          code   checklist-invalid

        \`\${MISSING}\` is not set in the environment.
          where  checklists/production.md:8:60
          seen   8 | - [ ] With a token <!-- check: http https://example.com/?t=\${MISSING} -->
                   |                                                            ^^^^^^^^^^
          fix    Set MISSING in the environment in which Tidegate runs. For the text itself write \`$\${MISSING}\`.
          code   environment-variable-missing

        \`role: qa\` belongs to no item.
          where  checklists/production.md:10:6
          seen   10 | <!-- role: qa -->
                    |      ^^^^^^^^
          fix    Put the comment at the end of its item's line.
          code   checklist-invalid
      `,
      {
        files: {
          "checklists/production.md": `
          # Before

          - [ ] The API answers <!-- check: htp https://example.com/ -->
          - [ ] It has the right text <!-- check: http https://example.com/ contians "ok" -->
          - [ ] Legal has agreed <!-- role: legal -->
          -[ ] Forgotten blank
          - [ ] In time <!-- check: file a.txt --> <!-- within: 5 -->
          - [ ] With a token <!-- check: http https://example.com/?t=\${MISSING} -->

          <!-- role: qa -->
        `,
        },
      },
    ));

  it("a checklist with nothing in it", () =>
    tells(
      planWith(`
        steps:
          - check: checklists/production.md
          - shift: 100%
      `),
      `
        checklists/production.md holds no checklist item.
          where  checklists/production.md
          fix    An item is a line like \`- [ ] Staging has been validated\`.
          code   checklist-invalid
      `,
      {
        files: {
          "checklists/production.md": `
          # Nothing
          - just text
        `,
        },
      },
    ));

  it("mistakes in a smoke file, at their own place", () =>
    tells(
      planWith(`
        steps:
          - smoke: smoke/critical.yaml
          - shift: 100%
      `),
      `
        \`exepct\` is not known here; did you mean \`expect\`?
          where  smoke/critical.yaml:4:5 · browse[1].exepct
          seen   4 |     exepct: 200
                   |     ^^^^^^
          code   plan-key-unknown

        \`fetch\` is no request.
          where  smoke/critical.yaml:5:5 · browse[2].fetch
          seen   5 |   - fetch: /agents
                   |     ^^^^^
          fix    A request is one of: get, post, put, patch, delete, head, options, tcp, run.
          code   plan-key-unknown

        \`post\` must be a path that begins with \`/\`, not the text "orders".
          where  smoke/critical.yaml:8:13 · order.steps[0].post
          seen   8 |     - post: orders
                   |             ^^^^^^
          fix    Write it like \`post: /orders\`.
          code   plan-value-invalid

        \`expect\` must be at least 100, not 99.
          where  smoke/critical.yaml:10:15 · order.steps[1].expect
          seen   10 |       expect: 99
                    |               ^^
          code   plan-value-invalid

        \`5\` has no unit.
          where  smoke/critical.yaml:11:15 · order.steps[1].within
          seen   11 |       within: 5
                    |               ^
          fix    Write \`5s\` for seconds, \`5m\` for minutes, \`5h\` for hours or \`5d\` for days.
          code   plan-value-invalid

        \`items\` is not a JSONPath, which begins with \`$\`.
          where  smoke/critical.yaml:12:15 · order.steps[1].json.items
          seen   12 |       json: { items: exists }
                    |               ^^^^^
          fix    Write it like \`$.items[0].id\`.
          code   plan-value-invalid

        \`clean\` is not known here; did you mean \`cleanup\`?
          where  smoke/critical.yaml:13:3 · order.clean
          seen   13 |   clean: []
                    |   ^^^^^
          code   plan-key-unknown
      `,
      {
        files: {
          "smoke/critical.yaml": `
          browse:
            - GET /
            - get: /agents
              exepct: 200
            - fetch: /agents
          order:
            steps:
              - post: orders
              - get: /orders
                expect: 99
                within: 5
                json: { items: exists }
            clean: []
        `,
        },
      },
    ));

  it("what only the flow knows: variables, services, paths, secrets", () =>
    tells(
      planWith(`
        steps:
          - smoke: smoke/critical.yaml
          - shift: 100%
      `),
      `
        There is no service \`wbe\`.
          where  smoke/critical.yaml:2:12 · order.service
          seen   2 |   service: wbe
                   |            ^^^
          fix    The services of the plan are: web.
          code   plan-name-unknown

        A secret can't stand here in plain text: the plan is kept in the journal.
          where  smoke/critical.yaml:6:23 · order.steps[0].auth.bearer
          seen   6 |       auth: { bearer: ••• }
                   |                       ^^^
          fix    Write a reference to an environment variable, \`\${SMOKE_PASSWORD}\`, or a variable of the flow, \`{{token}}\`.
          code   plan-value-invalid

        \`$.id[\` is not a JSONPath: expected a number, a quoted name, * or ? at character 6.
          where  smoke/critical.yaml:7:22 · order.steps[0].save.order
          seen   7 |       save: { order: "$.id[" }
                   |                      ^^^^^^^
          fix    Write it like \`$.items[0].id\`.
          code   plan-value-invalid

        \`{{oder}}\` has no value here; did you mean \`{{order}}\`?
          where  smoke/critical.yaml:8:22 · order.steps[1]
          seen   8 |     - get: /orders/{{oder}}?t=\${NOT_SET}
                   |                      ^^^^
          fix    Give it one before: \`save: { oder: $.id }\` on an earlier request, or \`with: { oder: … }\` on the flow. Known here: version, unique, order.
          code   plan-name-unknown

        \`\${NOT_SET}\` is not set in the environment.
          where  smoke/critical.yaml:8:31
          seen   8 |     - get: /orders/{{oder}}?t=\${NOT_SET}
                   |                               ^^^^^^^^^^
          fix    Set NOT_SET in the environment in which Tidegate runs. For the text itself write \`$\${NOT_SET}\`.
          code   environment-variable-missing

        \`json\` stands here twice: beside \`expect\` and in it.
          where  smoke/critical.yaml:9:7 · order.steps[1].json
          seen   9 |       json:
                   |       ^^^^
          fix    Keep one of them.
          code   plan-key-twice
      `,
      {
        files: {
          "smoke/critical.yaml": `
          order:
            service: wbe
            steps:
              - post: /orders
                send: { for: "{{unique}}@example.com" }
                auth: { bearer: abc }
                save: { order: "$.id[" }
              - get: /orders/{{oder}}?t=\${NOT_SET}
                json:
                  $.items: { matches: "(" }
                expect: { json: { $.a: 1 } }
        `,
        },
      },
    ));

  it("a smoke file that is not YAML", () =>
    tells(
      planWith(`
        steps:
          - smoke: smoke/critical.yaml
          - shift: 100%
      `),
      `
        A text with \`: \` in it needs quotes.
          where  smoke/critical.yaml:1:8
          seen   1 | - get: /a: b
                   |        ^
          fix    Put the value into quotes, or begin a new line for the inner key.
          code   plan-file-syntax
      `,
      {
        files: {
          "smoke/critical.yaml": `
          - get: /a: b
        `,
        },
      },
    ));

  it("requests and files in one list", () =>
    tells(
      planWith(`
        steps:
          - smoke: [GET /health, smoke/more.yaml]
          - shift: 100%
      `),
      `
        \`smoke/more.yaml\` is a file, among requests.
          where  tidegate.yaml:6:26 · steps[0].smoke[1]
          seen   6 |   - smoke: [GET /health, smoke/more.yaml]
                   |                          ^^^^^^^^^^^^^^^
          fix    Write a list of files or a list of requests: two \`smoke\` steps.
          code   plan-value-invalid
      `,
      {
        files: {
          "smoke/more.yaml": `
          - GET /
        `,
        },
      },
    ));

  it("mistakes in flows that stand in the plan", () =>
    tells(
      planWith(`
        steps:
          - smoke:
              browse:
                - get: /
                  within: 3
          - smoke: [{ get: "/{{nobody}}" }]
          - shift: 100%
      `),
      `
        \`3\` has no unit.
          where  tidegate.yaml:9:19 · steps[0].smoke.browse[0].within
          seen   9 |           within: 3
                   |                   ^
          fix    Write \`3s\` for seconds, \`3m\` for minutes, \`3h\` for hours or \`3d\` for days.
          code   plan-value-invalid

        \`{{nobody}}\` has no value here.
          where  tidegate.yaml:10:24 · steps[1].smoke[0]
          seen   10 |   - smoke: [{ get: "/{{nobody}}" }]
                    |                        ^^^^^^
          fix    Give it one before: \`save: { nobody: $.id }\` on an earlier request, or \`with: { nobody: … }\` on the flow. Known here: version, unique.
          code   plan-name-unknown
      `,
    ));
});

import { describe, it } from "node:test";
import { planWith, tells } from "./loading.ts";

describe("A plan file that is not the YAML that was meant", () => {
  it("a tab where spaces belong", () =>
    tells(
      `
        app: shop
        services:
        \tweb: { run: node server.js }
      `,
      `
        This line is indented with a tab.
          where  tidegate.yaml:3:1
          seen   3 | \tweb: { run: node server.js }
                   | ^
          fix    YAML is indented with spaces.
          code   plan-file-syntax
      `,
    ));

  it("a key that stands twice", () =>
    tells(
      `
        app: shop
        services:
          web:
            run: node server.js
            health: /health
            run: node other.js
        traffic: { embedded: 8080 }
      `,
      `
        \`run\` stands here twice; the first is on line 4.
          where  tidegate.yaml:6:5
          seen   6 |     run: node other.js
                   |     ^^^
          fix    Keep one of them.
          code   plan-key-twice
      `,
    ));

  it("a reference in braces without quotes", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node server.js, env: { DATABASE_URL: \${DATABASE_URL} } }
      `,
      `
        \`\${DATABASE_URL}\` inside \`{ … }\` needs quotes.
          where  tidegate.yaml:3:52
          seen   3 |   web: { run: node server.js, env: { DATABASE_URL: \${DATABASE_URL} } }
                   |                                                    ^^^^^^^^^^^^^^^
          fix    Write "\${DATABASE_URL}".
          code   plan-file-syntax
      `,
    ));

  it("a limit that begins with a sign and has no quotes", () =>
    tells(
      planWith(`
        guards:
          errors:
            rollback: > 1%
      `),
      `
        \`> 1%\` needs quotes.
          where  tidegate.yaml:7:15
          seen   7 |     rollback: > 1%
                   |               ^^^^
          fix    Write "> 1%".
          code   plan-file-syntax
      `,
    ));

  it("a text with a colon in it", () =>
    tells(
      `
        app: shop
        services:
          web:
            run: echo a: b
      `,
      `
        A text with \`: \` in it needs quotes.
          where  tidegate.yaml:4:10
          seen   4 |     run: echo a: b
                   |          ^
          fix    Put the value into quotes, or begin a new line for the inner key.
          code   plan-file-syntax
      `,
    ));

  it("a bracket that is never closed", () =>
    tells(
      `
        app: shop
        services: { web: { run: node server.js
        traffic: { embedded: 8080 }
      `,
      `
        This is not YAML.
          where  tidegate.yaml:3:1
          cause  Flow map in block collection must be sufficiently indented and end with a }
          seen   3 | traffic: { embedded: 8080 }
                   | ^
          fix    Check the indentation, brackets and quotes here and on the lines before.
          code   plan-file-syntax
      `,
    ));

  it("two documents in one file", () =>
    tells(
      `
        app: shop
        ---
        app: other
      `,
      `
        A second document begins here.
          where  tidegate.yaml:2:1
          seen   2 | ---
                   | ^^^
          fix    One file holds one plan: remove the \`---\`.
          code   plan-file-syntax
      `,
    ));

  it("an alias without its anchor, and one inside itself", () =>
    tells(
      planWith(`
        x-base: &base [*base]
        people: *team
      `),
      `
        \`*base\` stands inside its own anchor.
          where  tidegate.yaml:5:16
          seen   5 | x-base: &base [*base]
                   |                ^^^^^
          code   plan-file-syntax

        \`*team\` has no anchor before it.
          where  tidegate.yaml:6:9
          seen   6 | people: *team
                   |         ^^^^^
          code   plan-file-syntax
      `,
    ));

  it("an empty file", () =>
    tells(
      `

      `,
      `
        tidegate.yaml is empty.
          where  tidegate.yaml
          fix    Begin with \`app: NAME\`; or remove it, and tidegate init writes one for this folder.
          code   plan-file-invalid
      `,
    ));

  it("a file that holds a list", () =>
    tells(
      `
        - app: shop
      `,
      `
        A plan file holds keys and their values.
          where  tidegate.yaml:1:1
          seen   1 | - app: shop
                   | ^^^^^^^^^^^
          fix    Begin with \`app: NAME\`.
          code   plan-file-invalid
      `,
    ));

  it("a number that is not what was written", () =>
    tells(
      `
        app: shop
        services:
          web: { run: node server.js, env: { VERSION: 1.10, PORT: 8080 } }
        traffic: { embedded: 8080 }
      `,
      `
        \`1.10\` is the number 1.1 to YAML.
          where  tidegate.yaml:3:47 · services.web.env.VERSION
          seen   3 |   web: { run: node server.js, env: { VERSION: 1.10, PORT: 8080 } }
                   |                                               ^^^^
          fix    Write "1.10".
          code   plan-value-invalid
      `,
    ));
});

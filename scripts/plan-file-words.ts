/** The words of docs/plan-file.md that stand in no schema. */

export const FOREWORD = `# The plan file

<!-- Made from the schema by scripts/generate-schema.ts: change the words there or in src/config/schema, not here. -->

\`tidegate.yaml\` says what is released, how its traffic is split, and what a release does step by step. The smallest that is useful:

\`\`\`yaml
app: shop
services:
  web:
    build: npm ci
    run: node server.js --port \${port}
    health: /health
traffic: { embedded: 8080 }
\`\`\`

It starts the new version beside the old one, asks its health path, gives it 5%, 25% and 100% of the traffic, each until there is enough
evidence, and retires the old version. A careful one:

\`\`\`yaml
app: shop
services:
  web:
    build: npm ci
    run: node server.js --port \${port}
    replicas: 2
    route: shop.example.com/
    health: { live: /health/live, ready: /health/ready, depends: /health/deps, every: 10s, timeout: 5s }
  worker:
    run: node worker.js # no route: it is switched at 100%
traffic: { embedded: 8080, sticky: cookie }
guards:
  errors: { warn: 0.5%, rollback: 1% }
  p95: { warn: 1s, rollback: 3s }
  memory: { warn: 70%, rollback: 90% }
notify: { webhook: "\${CHAT_WEBHOOK}" }
people: { alice: [approver], bob: [approver, qa] }
steps:
  - check: checklists/production.md
  - approve: approver
  - smoke: smoke/critical.yaml
  - warm: [/, /agents, /campaigns]
  - phase: canary
    objective: real traffic, early
    guards: { errors: { rollback: 0.5% } }
    steps:
      - shift: 5%
        for: 2d
  - shift: 25%
    for: 3d
    else: step-back
  - shift: 100%
    for: 30m
  - approve: approver
    name: day-1
    after: 24h
  - retire
  - approve: approver
    name: day-7
    after: 7d
\`\`\`

## How it is read

- **Where.** \`tidegate.yaml\`, \`tidegate.yml\` or \`tidegate.config.ts\` in the folder in which you are, or \`--file PATH\`. Paths in it are meant from its own folder.
- **Overlays.** With \`--env staging\`, \`tidegate.staging.yaml\` beside it is laid over it: maps merge key by key, lists and values replace. Without \`--env\` and \`DEPLOYMENT_ENV\` the environment is \`production\`.
- **What goes first.** Command line, then environment variables, then the overlay, then the file, then the defaults below.
- **Units.** Durations and shares carry theirs: \`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`3d\`, \`1w\`, \`1h30m\`; \`5%\`, \`0.25%\`.
- **References.** \`\${port}\`, \`\${version}\`, \`\${dir}\` and \`\${slot}\` are Tidegate's. \`\${UPPER}\` is yours: a value of the environment in which Tidegate runs. It must be set when the plan is read, and only its name is kept: neither plan nor journal holds the value. \`$\${NAME}\` is the text itself (in an \`env\`); \`$NAME\`, \`\${NAME:-x}\` and what a shell line assigns itself are left to the shell. Inside \`{ … }\` YAML wants quotes around a reference: \`{ url: "\${URL}" }\`.
- **YAML.** Anchors, aliases and merge keys (\`<<: *base\`) work; a key at the top that begins with \`x-\` is read by nobody, so anchors can be made there. A limit that begins with \`>\` needs quotes: \`"> 1%"\`.
- **Mistakes** are told all at once, each with file, line, column, the line itself, and the nearest key that exists. Nothing is ignored.

In TypeScript, with the same keys and checked by your editor:

\`\`\`ts
// tidegate.config.ts
import { defineConfig } from "tidegate";

export default defineConfig({
  app: "shop",
  services: { web: { run: "node server.js --port \${port}", health: "/health" } },
  traffic: { embedded: 8080 },
});
\`\`\`

It is run by Node itself, so its types must be erasable (no enums). Overlays are YAML there too: \`tidegate.staging.yaml\`.`;

export const STEPS_INTRO = `## Steps

A step is one thing that a plan does. The verb is the key. \`start\`, \`smoke\` and \`retire\` may stand alone: \`- retire\`.

The order is checked: shares only go up and end at 100%; \`retire\` comes after that; \`after\` belongs to steps behind the last shift, because
it counts from the moment at which the release is live. \`start\` is put in by itself before the first step that needs it.`;

export const AFTERWORD = `## In your editor

The JSON Schema ships with the package. With the YAML language server this line at the top of the file gives completion and checks:

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/tidegate/schema/tidegate.schema.json
\`\`\``;

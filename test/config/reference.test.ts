import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { planFileJsonSchema } from "../../scripts/plan-file-json-schema.ts";
import { planFilePage } from "../../scripts/plan-file-page.ts";
import { parseChecklist } from "../../src/config/checklist.ts";
import { load, trimmed } from "./loading.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const HINT = "run: node scripts/generate-schema.ts";

/** The fenced blocks of a page in a language. */
function blocks(page: string, language: string): readonly string[] {
  return [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, lang, text = ""]) =>
    lang === language ? [text] : [],
  );
}

const ENV = {
  CHAT_WEBHOOK: "https://chat.example.com/",
  SMOKE_PASSWORD: "x",
  URL: "x",
  METRICS_TOKEN: "x",
  DATABASE_URL: "postgres://x",
  SLACK_URL: "x",
  SMTP_URL: "x",
  HOOK_SECRET: "x",
  PD_KEY: "x",
};
const FILES = {
  "checklists/production.md": "- [ ] x",
  "smoke/critical.yaml": "- GET /",
};

/** A fragment of a plan file as a whole one. */
function whole(fragment: string): string {
  if (/^app:/m.test(fragment)) return fragment;
  const app = "app: shop\n";
  const services = /^services:/m.test(fragment)
    ? ""
    : /^health:/m.test(fragment)
      ? "services:\n  web: { run: node server.js }\n"
      : "services: { web: { run: node server.js } }\n";
  const traffic = /^traffic:/m.test(fragment) ? "" : "traffic: { embedded: 8080 }\n";
  if (fragment.startsWith("health:")) return `${app}${services.replace(" }\n", `, ${fragment.trim()} }\n`)}${traffic}`;
  if (!fragment.startsWith("-")) return `${app}${services}${traffic}${fragment}`;
  const hasFull = /100%/.test(fragment);
  const indented = fragment.replaceAll(/^(?=.)/gm, "  ");
  const isLast = !hasFull && /retire|after:/.test(fragment);
  const database = /backup:|migrate:/.test(fragment) ? 'database: { url: "sqlite:shop.db", migrations: db }\n' : "";
  return `${app}${services}${traffic}${database}steps:\n${isLast ? "  - shift: 100%\n" : ""}${indented}${hasFull || isLast ? "" : "  - shift: 100%\n"}`;
}

describe("What is made from the schema is current", () => {
  it("the JSON Schema", async () => {
    assert.equal(read("schema/tidegate.schema.json"), await planFileJsonSchema(), HINT);
  });

  it("the reference page", () => {
    assert.equal(read("docs/plan-file.md"), planFilePage(), HINT);
  });
});

describe("Examples in the docs are right", () => {
  for (const [index, text] of blocks(read("docs/plan-file.md"), "yaml").entries()) {
    if (text.startsWith("#")) continue;
    it(`plan-file.md, block ${index + 1}: ${text.split("\n")[0] ?? ""}`, async () => {
      const { plan } = await load(whole(text), { env: ENV, files: FILES });
      assert.equal(plan.app, "shop");
    });
  }

  it("plan-file.md, in TypeScript", async () => {
    const [text = ""] = blocks(read("docs/plan-file.md"), "ts");
    const { plan } = await load(null, { files: { "tidegate.config.ts": text } });
    assert.equal(plan.steps.length, 6);
  });

  it("smoke-tests.md", async () => {
    const [text = ""] = blocks(read("docs/smoke-tests.md"), "yaml");
    const { plan } = await load(whole("- smoke: story.yaml\n"), { env: ENV, files: { "story.yaml": text } });
    const smoke = plan.steps.find((step) => step.kind === "smoke");
    assert.deepEqual(
      smoke?.flows.map(({ requests }) => requests.length),
      [2, 2, 2],
    );
  });

  it("checklists.md", () => {
    const [text = ""] = blocks(read("docs/checklists.md"), "markdown");
    const { checklist, problems } = parseChecklist({ name: "checklists.md", text, order: 0 }, "checklists.md");
    assert.deepEqual(problems, []);
    assert.equal(checklist.items.length, 6);
  });
});

describe("The JSON Schema", () => {
  interface Schema {
    readonly description?: string;
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly additionalProperties?: unknown;
    readonly items?: Schema;
    readonly anyOf?: readonly Schema[];
    readonly $defs?: Readonly<Record<string, Schema>>;
  }

  it("has a description on every key, and lets no unknown one through", () => {
    const bare: string[] = [];
    const visit = (schema: Schema, path: string): void => {
      for (const [key, inner] of Object.entries(schema.properties ?? {})) {
        // What tells one of several apart says it all by its name.
        if (inner.description === undefined && Object.keys(schema.properties ?? {}).length > 1)
          bare.push(`${path}.${key}`);
        visit(inner, `${path}.${key}`);
      }
      const others = schema.additionalProperties;
      // Under names of the user's own stand guards with a source, which let no unknown key through themselves.
      if (typeof others === "object" && path.endsWith("guards")) visit(others as Schema, `${path}.*`);
      else if (schema.properties !== undefined) assert.equal(others, false, path);
      if (schema.items !== undefined) visit(schema.items, `${path}[]`);
      for (const [index, inner] of (schema.anyOf ?? []).entries()) visit(inner, `${path}|${index}`);
      for (const [name, inner] of Object.entries(schema.$defs ?? {})) visit(inner, name);
    };
    visit(JSON.parse(read("schema/tidegate.schema.json")) as Schema, "");
    assert.deepEqual(bare, []);
  });

  it("takes what the loader takes, and refuses a key that does not exist", () => {
    const schema = z.fromJSONSchema(JSON.parse(read("schema/tidegate.schema.json")) as z.core.JSONSchema.JSONSchema);
    for (const path of ["test/fixtures/plans/careful/tidegate.yaml", "examples/shop/tidegate.yaml"]) {
      const plan = parse(read(path), { merge: true }) as Record<string, unknown>;
      assert.deepEqual(schema.safeParse(plan).error?.issues ?? [], [], path);
      assert.equal(schema.safeParse({ ...plan, "x-base": { any: 1 } }).success, true, path);
      assert.equal(schema.safeParse({ ...plan, notfy: {} }).success, false, path);
      assert.equal(schema.safeParse({ ...plan, steps: [{ shift: "5" }] }).success, false, path);
      assert.equal(schema.safeParse({ ...plan, steps: [{ migrate: "down" }] }).success, false, path);
    }
  });

  it("has only defaults that could be written", async () => {
    const schema = JSON.parse(read("schema/tidegate.schema.json")) as {
      $defs: { service?: Schema };
      properties: Readonly<Record<string, { default?: unknown }>>;
    };
    for (const [key, { default: written }] of Object.entries(schema.properties)) {
      if (written === undefined) continue;
      const text = trimmed(`
        app: shop
        services: { web: { run: x } }
        traffic: { embedded: 8080 }
        ${key}: ${JSON.stringify(written)}
      `);
      assert.deepEqual((await load(text)).plan, (await load(text.split("\n").slice(0, 3).join("\n"))).plan, key);
      assert.notEqual(parse(text), null);
    }
  });
});

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Plan } from "../../src/core/plan/plan.ts";
import { type LoadedPlan, loadPlanFile } from "../../src/config/load.ts";
import { PlanFileError } from "../../src/config/plan-file-error.ts";

export interface Around {
  /** Other files beside `tidegate.yaml`, by path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly path?: string;
}

/** Loads a plan file with this text from a folder of its own, which is gone afterwards. */
export async function load(text: string | null, around: Around = {}): Promise<LoadedPlan> {
  const cwd = mkdtempSync(join(tmpdir(), "tidegate-plan-"));
  try {
    const files = { ...(text === null ? {} : { "tidegate.yaml": text }), ...around.files };
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(cwd, path)), { recursive: true });
      writeFileSync(join(cwd, path), `${trimmed(content)}\n`);
    }
    return await loadPlanFile({
      cwd,
      env: around.env ?? {},
      ...(around.environment === undefined ? {} : { environment: around.environment }),
      ...(around.path === undefined ? {} : { path: around.path }),
    });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** Everything that is told of a plan file, as a person reads it. Throws where there is nothing to tell. */
export async function mistakes(text: string | null, around: Around = {}): Promise<string> {
  try {
    await load(text, around);
  } catch (error) {
    if (error instanceof PlanFileError) return error.describe();
    throw error;
  }
  throw new Error("The plan file was taken as it is.");
}

/** Asserts that a plan file gets this whole message. Margins of both texts are left out. */
export async function tells(text: string | null, expected: string, around: Around = {}): Promise<void> {
  assert.equal(await mistakes(text, around), trimmed(expected));
}

/** A plan file that is right, with other steps, or with more keys. */
export function planWith(more: string): string {
  return `app: shop
services:
  web: { run: node server.js, health: /health }
traffic: { embedded: 8080 }
${trimmed(more)}`;
}

/** The plan of `planWith(more)`. */
export async function planOf(more: string, around: Around = {}): Promise<Plan> {
  return (await load(planWith(more), around)).plan;
}

/** A text without the margin that it has in the source. */
export function trimmed(text: string): string {
  const lines = text
    .replace(/^\n/, "")
    .replace(/\n\s*$/, "")
    .split("\n");
  const margin = Math.min(...lines.filter((line) => line.trim() !== "").map((line) => line.search(/[^ ]/)));
  return lines.map((line) => line.slice(margin)).join("\n");
}

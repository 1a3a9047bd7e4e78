import { format } from "prettier";
import { z } from "zod";
import { planFile } from "../src/config/schema/plan-file.ts";

/** The plan file's JSON Schema (draft 2020-12), as it is checked in. */
export async function planFileJsonSchema(): Promise<string> {
  const { $schema, ...schema } = z.toJSONSchema(planFile, {
    io: "input",
    override: ({ jsonSchema }) => {
      // Names of definitions are for this file, not addresses.
      delete jsonSchema.id;
      delete jsonSchema.$id;
    },
  });
  const document = {
    $schema,
    title: "Tidegate plan file",
    description: "tidegate.yaml: what is released, how its traffic is split, and the steps of a release.",
    ...schema,
    // Anchors are made here, and nothing reads it.
    patternProperties: { "^x-": {} },
  };
  return format(JSON.stringify(document), { parser: "json", printWidth: 120 });
}

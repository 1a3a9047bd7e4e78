import { unitNamePart } from "../../../core/text/unit-words.ts";
import type { StartOrder } from "../../../ports/runtime.ts";
import { shortVersionName } from "../instance-id.ts";

/**
 * `tidegate-shop-production-web-green-9f2c1e4a@`: one template for each version in a slot, so that another version in the
 * same slot changes nothing of one that runs. Without its `.service`.
 */
export function templateName({ app, environment, service, slot, version }: StartOrder): string {
  const parts = ["tidegate", app, environment, service.name, slot, shortVersionName(version)];
  return `${unitNamePart(parts.join("-"))}@`;
}

export function templateFile(order: StartOrder): string {
  return `${templateName(order)}.service`;
}

/** The instance of an order: `tidegate-shop-production-web-green-9f2c1e4a@0.service`. */
export function unitName(order: StartOrder): string {
  return `${templateName(order)}${order.index}.service`;
}

/** The template's file of an instance's unit. */
export function templateOfUnit(unit: string): string {
  return `${unit.slice(0, unit.indexOf("@") + 1)}.service`;
}

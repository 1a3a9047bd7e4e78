import type { ServiceOf } from "../../../core/plan/service.ts";
import { ensureImage, type ImageOrder, makeImage } from "./images.ts";
import { noteImages, type PreparedImage, preparedImages } from "./prepared-images.ts";

/** The image of a version's service as it was prepared, or prepared now; made again where somebody removed it. */
export async function imageOfVersion(
  order: ImageOrder,
  directory: string,
  service: ServiceOf<"compose">,
): Promise<PreparedImage> {
  const { folder, version } = order;
  const name = service.runtime.service;
  const all = preparedImages(folder, directory);
  const known = all[name];
  if (known !== undefined && (await ensureImage(order, name, known))) return known;
  const image = await makeImage(order, name, service, known === undefined ? all : {});
  await noteImages(folder, directory, version, { ...preparedImages(folder, directory), [name]: image });
  return image;
}

import type { ThirdParty } from "./third-party.ts";

/** What a webhook was told of a release: `topic: sentence`. */
export function told(chat: ThirdParty, path: string, release: number): readonly string[] {
  return chat
    .received(path)
    .map(({ body }) => JSON.parse(body) as { release: number; topic: string; sentence: string })
    .filter((message) => message.release === release)
    .map(({ topic, sentence }) => `${topic}: ${sentence}`);
}

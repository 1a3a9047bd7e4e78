import { PATIENCE_MS } from "./exchange.ts";
import type { Ending } from "./held-open.ts";
import { watchSilence } from "./silence.ts";
import type { WebSocketClient, WebSocketEnd } from "./websocket-client.ts";

const SPEAK_EVERY_MS = 2_000;

/** Listens to the shop's ticks and checks that it echoes what is said, until either side leaves. */
export function useLiveSocket(client: WebSocketClient, number: number, signal: AbortSignal): Promise<Ending> {
  return new Promise((end) => {
    let dropped: Ending | undefined;
    let said = 0;
    let echoed = 0;
    const drop = (ending: Ending): void => {
      dropped ??= ending;
      client.destroy();
    };
    const silence = watchSilence(PATIENCE_MS, () =>
      drop({ kind: "dropped", failure: "timeout", detail: `silent for ${PATIENCE_MS} ms` }),
    );
    const speaker = setInterval(() => {
      if (said - echoed > 1) drop({ kind: "dropped", failure: "timeout", detail: "what was said did not come back" });
      said += 1;
      client.send(`${number}/${said}`);
    }, SPEAK_EVERY_MS);
    const leave = (): void => client.close();
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();

    client.onText = (text) => {
      silence.heard();
      const echo = echoIn(text);
      if (echo === null) return;
      echoed += 1;
      if (echo !== `${number}/${echoed}`)
        drop({ kind: "dropped", failure: "misdelivered", detail: `heard ${echo} for ${number}/${echoed}` });
    };
    const finish = (code: WebSocketEnd): void => {
      silence.stop();
      clearInterval(speaker);
      signal.removeEventListener("abort", leave);
      end(dropped ?? (signal.aborted ? { kind: "left" } : judgeClose(code)));
    };
    void client.ended.then(finish);
  });
}

function judgeClose(code: WebSocketEnd): Ending {
  if (code === 1000 || code === 1001) return { kind: "moved-on" };
  return {
    kind: "dropped",
    failure: "websocket",
    detail: code === null ? "cut without a close" : `closed with ${code}`,
  };
}

/** What the shop says that it heard; null: it says something else. */
function echoIn(text: string): string | null {
  try {
    const message = JSON.parse(text) as { readonly type: string; readonly text: string };
    return message.type === "echo" ? message.text : null;
  } catch {
    return `something that is no JSON: ${text.slice(0, 40)}`;
  }
}

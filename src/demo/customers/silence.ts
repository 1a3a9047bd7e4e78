/** Calls `onSilence` once when nothing was heard for as long; `heard` starts the time again. */
export function watchSilence(limitMs: number, onSilence: () => void): { heard(): void; stop(): void } {
  let last = performance.now();
  const isSilent = (): boolean => performance.now() - last > limitMs;
  const timer = setInterval(() => {
    if (!isSilent()) return;
    // If it was this process that slept, what was said may still lie here unread.
    setImmediate(() => {
      if (!isSilent()) return;
      clearInterval(timer);
      onSilence();
    });
  }, 250);
  return { heard: () => void (last = performance.now()), stop: () => clearInterval(timer) };
}

/** In a process that `spread` has started: answers each piece of work with what `work` makes of it. */
export function answerParent(work: (piece: unknown) => Promise<unknown>): void {
  process.on("message", (piece) => {
    void work(piece).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`);
        process.exit(1);
      },
    );
  });
}

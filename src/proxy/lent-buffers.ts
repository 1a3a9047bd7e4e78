/** What one read brings at most. */
export const READ_BYTES = 64 * 1024;
/** Below this Node's own pool of small buffers is cheaper. */
const SMALL_BYTES = 4 * 1024;
const MAX_FREE = 64;

const free: Buffer[] = [];

/**
 * A copy of the bytes, and what gives its memory back once it has been written. New memory for every piece of a large
 * answer would cost more in garbage collection than all the rest of passing it on.
 */
export function lendCopy(bytes: Buffer): { readonly copy: Buffer; readonly giveBack: () => void } {
  if (bytes.length < SMALL_BYTES || bytes.length > READ_BYTES)
    return { copy: Buffer.from(bytes), giveBack: keepNothing };
  const buffer = free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  bytes.copy(buffer);
  let isLent = true;
  return {
    copy: bytes.length === READ_BYTES ? buffer : buffer.subarray(0, bytes.length),
    giveBack: () => {
      // Twice in the list it would be lent twice at once.
      if (isLent && free.length < MAX_FREE) free.push(buffer);
      isLent = false;
    },
  };
}

function keepNothing(): void {}

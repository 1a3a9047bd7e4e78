/** Healthy releases that a comparison may roll back, as a part of all: it acts at evidence of 1/α. */
export const ALPHA = 0.01;

/** ln of the evidence at which a limit of its own is broken, at which people are told, and with which a step passes (1/β). */
export const BROKEN = Math.log(100);
export const TOLD = Math.log(20);
export const SHOWN = Math.log(20);
/** Beside an absolute limit that is broken a comparison need not be as sure. */
export const BESIDE = Math.log(5);

/** Different visitors, where they are told apart: to pass by comparison, and with a bad request to be put back by it. */
export const LEAST_VISITORS = 50;
export const LEAST_FAILING_VISITORS = 5;

/** Healthy releases that a comparison may roll back, as a part of all: it acts at evidence of 1/α. */
export const ALPHA = 0.01;

/** ln of the evidence at which a limit of its own is broken. */
export const BROKEN = Math.log(100);
/** ln of the evidence at which people are told. */
export const TOLD = Math.log(20);
/** ln of the evidence with which a step passes: 1/β. */
export const SHOWN = Math.log(20);
/** ln of the evidence of a comparison beside an absolute limit that is broken: it need not be as sure. */
export const BESIDE = Math.log(5);

/** Different visitors whom a step must have seen to pass by comparison, where they are told apart. */
export const LEAST_VISITORS = 50;
/** Different visitors with a bad request, without whom a comparison puts nothing back. */
export const LEAST_FAILING_VISITORS = 5;

/** The candidate's part of the traffic, 0 … 1, and with what it is compared. */
export interface ComparedShare {
  readonly share: number;
  /** With stable's twin, which gets as much as the candidate. Absent: with stable. */
  readonly hasTwin?: boolean;
}

/** The part of the traffic that the candidate is compared with, 0 … 1: all the rest, or its twin's. */
export function besidesOf({ share, hasTwin = false }: ComparedShare): number {
  return hasTwin ? Math.min(share, 1 - share) : 1 - share;
}

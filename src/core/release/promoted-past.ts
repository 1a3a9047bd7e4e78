/** Why a step ended that a person went over without its work being done; journals hold it. */
export const PROMOTED_PAST = "Promoted past it by a person.";

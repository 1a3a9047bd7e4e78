/** A mistake that could be in the program, put into it for the length of a hunt. */
export interface PlantedFault {
  readonly name: string;
  /** The rule that must find it. */
  readonly rule: string;
  /** Of the repository: where it is put in. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly instead: string;
  readonly put: string;
}

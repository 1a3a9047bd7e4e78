import type { Slot } from "../../../core/observation.ts";

/** What Tidegate's parts of an HAProxy are called, so that several apps can share one. */
export interface HaproxyNames {
  /** The ring that the frontend logs into. */
  readonly ring: string;
  /** The map's file, without its folder. */
  readonly mapFile: string;
  /** The file from which HAProxy takes the servers when it starts, without its folder. */
  readonly serversFile: string;
  /** The process-wide variable that holds the fragment's digest. */
  readonly digestVariable: string;
  /** What the variables of a request begin with; those of other apps in the same frontend have other names. */
  readonly txn: string;
  /** Marks the line in which a request is told. */
  readonly logMark: string;
  /** The backend of a service's instances in a slot. */
  readonly backend: (service: string, slot: Slot) => string;
}

/** App, environment and service are lower-case letters, digits and dashes, so the dots keep them apart. */
export function haproxyNames(app: string, environment: string): HaproxyNames {
  const whole = `tidegate.${app}.${environment}`;
  return {
    ring: whole,
    mapFile: `${app}.${environment}.map`,
    serversFile: `${app}.${environment}.servers`,
    digestVariable: `proc.${whole.replaceAll("-", "_")}`,
    txn: `txn.tg.${app}.${environment}`.replaceAll("-", "_"),
    logMark: `${whole}=`,
    backend: (service, slot) => `${whole}.${service}.${slot}`,
  };
}

/** Servers that the fragment has ready for a restart; all others are added while HAProxy runs. */
export const SPARE = /^spare\d+$/;

/** An instance's id as the name of a server. */
export function serverName(instance: string): string {
  const name = instance.replaceAll(/[^A-Za-z0-9_.:-]/g, "_");
  return SPARE.test(name) ? `${name}_` : name;
}

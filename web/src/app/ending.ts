import type { Micros } from "../api/contract";

/**
 * us until a session ends: for want of anything done, or because it is over.
 *
 * idle  us that it would last without anything done, when that was told; since  us since something was asked by somebody, or
 * since it was told; ends, now  us, by the server's clock
 */
export function left(idle: Micros, since: Micros, ends: Micros, now: Micros): Micros {
  return Math.min(idle - since, ends - now);
}

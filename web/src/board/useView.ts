import { useState } from "react";
import type { Order } from "./need";

export type View = "cards" | "rows" | "wall";

const KEPT = "caretwin.view";
/** px of a window from which it is taken for a screen on a wall, until somebody chooses otherwise. */
const WALL_PX = 3000;

function first(): View {
  const kept = localStorage.getItem(KEPT);
  if (kept === "cards" || kept === "rows" || kept === "wall") return kept;
  return innerWidth >= WALL_PX ? "wall" : "cards";
}

/** How the board is shown: as it was chosen on this screen, else as fits its width. */
export function useView() {
  const [view, setView] = useState<View>(first);
  const [order, setOrder] = useState<Order>("need");
  const choose = (chosen: View) => {
    localStorage.setItem(KEPT, chosen);
    setView(chosen);
  };
  return { view, choose, order, setOrder };
}

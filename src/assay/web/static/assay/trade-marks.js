// Trades on a chart of bars: a line from where each was entered to where it ended, at the prices that were paid.

import { Primitive } from "./chart-primitive.js";

const CROWDED = 120; // so many trades in view have no room for arrows
const ARROW = 5;

export class TradeMarks extends Primitive {
  constructor() {
    super("top");
    this.marks = [];
    this.theme = null;
    this.chosen = null;
  }

  // Each mark is {number, from, to, entry, exit, isLong, isWon}: positions on the axis, and prices.
  show(marks, chosen, theme) {
    this.take({ marks, chosen, theme });
  }

  // The trade that is nearest to a point of the pane, if one is near.
  near(x, y) {
    let best = null;
    let least = 24;
    for (const mark of this.placed()) {
      const share = Math.min(1, Math.max(0, (x - mark.x1) / (mark.x2 - mark.x1 || 1)));
      const away = Math.hypot(x - (mark.x1 + share * (mark.x2 - mark.x1)), y - (mark.y1 + share * (mark.y2 - mark.y1)));
      if (away < least) [best, least] = [mark.number, away];
    }
    return best;
  }

  placed() {
    if (!this.chart) return [];
    const scale = this.chart.timeScale();
    // The library places whole positions only.
    const origin = scale.logicalToCoordinate(0);
    const spacing = scale.logicalToCoordinate(1) - origin;
    const width = scale.width();
    const found = [];
    for (const mark of this.marks) {
      const [x1, x2] = [origin + mark.from * spacing, origin + mark.to * spacing];
      const [y1, y2] = [this.series.priceToCoordinate(mark.entry), this.series.priceToCoordinate(mark.exit)];
      if (x2 >= 0 && x1 <= width && y1 !== null && y2 !== null) found.push({ ...mark, x1, x2, y1, y2 });
    }
    return found;
  }

  draw(target) {
    if (!this.theme || !this.marks.length) return;
    const placed = this.placed();
    const isCrowded = placed.length > CROWDED;
    target.useBitmapCoordinateSpace(({ context, horizontalPixelRatio: across, verticalPixelRatio: down }) => {
      context.save();
      context.lineJoin = "round";
      for (const mark of placed) {
        const isChosen = mark.number === this.chosen;
        const colour = mark.isWon ? this.theme.up : this.theme.down;
        context.strokeStyle = colour;
        context.lineWidth = (isChosen ? 3 : isCrowded ? 1.2 : 2) * across;
        context.setLineDash(isChosen || isCrowded ? [] : [5 * across, 3 * across]);
        context.beginPath();
        context.moveTo(mark.x1 * across, mark.y1 * down);
        context.lineTo(mark.x2 * across, mark.y2 * down);
        context.stroke();
        if (isCrowded && !isChosen) continue;
        context.setLineDash([]);
        const size = (isChosen ? ARROW + 2 : ARROW) * across;
        arrow(context, { x: mark.x1 * across, y: mark.y1 * down, size, isUp: mark.isLong, fill: this.theme.accent, edge: this.theme.surface });
        arrow(context, { x: mark.x2 * across, y: mark.y2 * down, size, isUp: !mark.isLong, fill: colour, edge: this.theme.surface });
      }
      context.restore();
    });
  }
}

// Its tip is at the price: what buys points up from below, what sells down from above.
function arrow(context, { x, y, size, isUp, fill, edge }) {
  const way = isUp ? 1 : -1;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - size, y + 1.8 * size * way);
  context.lineTo(x + size, y + 1.8 * size * way);
  context.closePath();
  context.lineWidth = size / 2.5;
  context.strokeStyle = edge;
  context.stroke();
  context.fillStyle = fill;
  context.fill();
}

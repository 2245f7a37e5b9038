// Levels from when they were confirmed to when they became the nearest: dashes in the colour of their line.

import { Primitive } from "./chart-primitive.js";

export class LevelMarks extends Primitive {
  constructor() {
    super();
    this.marks = [];
  }

  // Each mark is {price, from, to, colour}: positions on the axis.
  show(marks) {
    this.take({ marks });
  }

  draw(target) {
    if (!this.chart || !this.marks.length) return;
    const scale = this.chart.timeScale();
    const origin = scale.logicalToCoordinate(0);
    const spacing = scale.logicalToCoordinate(1) - origin;
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: across, verticalPixelRatio: down }) => {
      context.save();
      context.lineWidth = Math.max(1, Math.floor(down));
      context.setLineDash([4 * across, 4 * across]);
      for (const { price, from, to, colour } of this.marks) {
        const y = this.series.priceToCoordinate(price);
        const left = Math.max(Number.isFinite(from) ? (origin + from * spacing) * across : 0, 0);
        const right = Math.min((origin + to * spacing) * across, bitmapSize.width);
        if (y === null || right <= left) continue;
        context.strokeStyle = colour;
        context.beginPath();
        context.moveTo(left, Math.round(y * down) + 0.5);
        context.lineTo(right, Math.round(y * down) + 0.5);
        context.stroke();
      }
      context.restore();
    });
  }
}

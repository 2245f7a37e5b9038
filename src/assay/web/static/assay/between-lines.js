// The room between two lines of one series' scale, shaded: where the truth lies, if bars do not tell.

import { Primitive } from "./chart-primitive.js";

export class BetweenLines extends Primitive {
  constructor() {
    super();
    this.points = [];
    this.colour = null;
  }

  // Each point is {time, low, high}.
  show(points, colour) {
    this.take({ points, colour });
  }

  draw(target) {
    if (!this.chart || !this.colour || this.points.length < 2) return;
    const scale = this.chart.timeScale();
    const placed = this.points.map(({ time, low, high }) => [
      scale.timeToCoordinate(time), this.series.priceToCoordinate(low), this.series.priceToCoordinate(high),
    ]).filter((one) => one.every((value) => value !== null));
    target.useBitmapCoordinateSpace(({ context, horizontalPixelRatio: across, verticalPixelRatio: down }) => {
      context.fillStyle = this.colour;
      context.beginPath();
      for (const [x, low] of placed) context.lineTo(x * across, low * down);
      for (const [x, , high] of placed.toReversed()) context.lineTo(x * across, high * down);
      context.fill();
    });
  }
}

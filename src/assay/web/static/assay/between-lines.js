// The room between two lines of one series' scale, shaded: where the truth lies, if bars do not tell.

export class BetweenLines {
  constructor() {
    this.points = [];
    this.colour = null;
    this.chart = null;
    this.series = null;
    this.requestUpdate = null;
    this.view = { zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.draw(target) }) };
  }

  attached({ chart, series, requestUpdate }) {
    this.chart = chart;
    this.series = series;
    this.requestUpdate = requestUpdate;
  }

  detached() {
    this.chart = null;
  }

  paneViews() {
    return [this.view];
  }

  updateAllViews() {}

  // Each point is {time, low, high}.
  show(points, colour) {
    this.points = points;
    this.colour = colour;
    this.requestUpdate?.();
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

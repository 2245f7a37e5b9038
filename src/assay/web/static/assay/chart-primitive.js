// What draws itself on a chart beside the library's own series: how the library speaks to it, for those that extend it.

export class Primitive {
  constructor(zOrder = "bottom") {
    this.chart = null;
    this.series = null;
    this.requestUpdate = null;
    this.view = { zOrder: () => zOrder, renderer: () => ({ draw: (target) => this.draw(target) }) };
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

  // Take what is to be drawn, and draw it.
  take(drawn) {
    Object.assign(this, drawn);
    this.requestUpdate?.();
  }
}

// Shaded bands where bars are missing: hatched where there is none at all, faint where a coarser bar lacks some of its own.

import { Primitive } from "./chart-primitive.js";

const HATCH = 7; // pixels between two strokes

export class Bands extends Primitive {
  constructor() {
    super();
    this.bands = [];
    this.theme = null;
  }

  // Each band is {from, to, isWhole}: positions on the axis, of the first and after the last slot.
  show(bands, theme) {
    this.take({ bands, theme });
  }

  draw(target) {
    if (!this.chart || !this.theme || !this.bands.length) return;
    const scale = this.chart.timeScale();
    // The library places whole positions only; a band begins half a bar before the first of its slots.
    const origin = scale.logicalToCoordinate(0);
    const spacing = scale.logicalToCoordinate(1) - origin;
    const edge = (position, ratio) => Math.round((origin + (position - 0.5) * spacing) * ratio);
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: ratio }) => {
      for (const band of this.bands) {
        const left = edge(band.from, ratio);
        const right = edge(band.to, ratio);
        if (right < 0 || left > bitmapSize.width) continue;
        const from = Math.max(left, 0);
        const width = Math.max(Math.min(right, bitmapSize.width) - from, Math.ceil(ratio));
        context.fillStyle = band.isWhole ? this.theme.band : this.theme.bandFaint;
        context.fillRect(from, 0, width, bitmapSize.height);
        if (band.isWhole) hatch(context, { from, width, height: bitmapSize.height, ratio, colour: this.theme.hatch });
      }
    });
  }
}

function hatch(context, { from, width, height, ratio, colour }) {
  const step = HATCH * ratio;
  context.save();
  context.beginPath();
  context.rect(from, 0, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1, Math.floor(ratio));
  context.beginPath();
  // Anchored at the pane's corner, so that the strokes of neighbours meet.
  for (let x = Math.floor((from - height) / step) * step; x < from + width; x += step) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
  context.restore();
}

// The bands of a window: its gaps that leave a hole on the grid, and the bars that lack some of theirs.
export function bandsOf(window) {
  const bands = [];
  const { rows, columns } = window;
  for (let slot = 0; slot < rows.length; slot += 1) {
    const isHole = rows[slot] < 0;
    const lacks = !isHole && columns.missing_bars && columns.missing_bars[rows[slot]] > 0 && isMadeOfFiner(window);
    if (!isHole && !lacks) continue;
    const last = bands[bands.length - 1];
    if (last && last.to === slot && last.isWhole === isHole) last.to = slot + 1;
    else bands.push({ from: slot, to: slot + 1, isWhole: isHole });
  }
  return bands;
}

// Where bars are shown as they are stored, `missing_bars` speaks of the hole before the bar, which the grid shows.
function isMadeOfFiner(window) {
  return window.interval !== window.stored;
}

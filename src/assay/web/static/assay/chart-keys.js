// The chart by keyboard: arrows move it, plus and minus zoom, Home and End go to the oldest and the newest bar.

export const ZOOM = 0.6; // what is left of the view after one step in

export function bindKeys(element, chart) {
  const keys = {
    ArrowLeft: (event) => chart.pan(event.shiftKey ? -0.5 : -0.1),
    ArrowRight: (event) => chart.pan(event.shiftKey ? 0.5 : 0.1),
    PageUp: () => chart.pan(-0.9),
    PageDown: () => chart.pan(0.9),
    "+": () => chart.zoom(ZOOM),
    "=": () => chart.zoom(ZOOM),
    "-": () => chart.zoom(1 / ZOOM),
    _: () => chart.zoom(1 / ZOOM),
    Home: () => chart.toStart(),
    End: () => chart.toEnd(),
  };
  element.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(event);
  });
}

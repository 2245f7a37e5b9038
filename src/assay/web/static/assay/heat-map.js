// Plotly is large: it is fetched when something is drawn with it.

let library = null;

export function loadPlotly(source) {
  library ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: source });
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => { library = null; reject(new Error("the chart library did not come")); });
    document.head.append(script);
  });
  return library;
}

// DVC writes a chart as a script with its data. Here all that it writes is the text of an element that nothing can end,
// so data never become elements or scripts: this script reads the charts from that text.
const page = document.querySelector("main");
const written = document.querySelector("plaintext").textContent;
const charts = [...written.matchAll(/^ *var spec = (\{.*\});$/gm)];
const show = async (chart) => {
  const figure = page.appendChild(document.createElement("figure"));
  try {
    // `ast`: expressions are interpreted, as the page's policy forbids `eval`. Of the menu, only saving a picture stays.
    const actions = { export: true, source: false, compiled: false, editor: false };
    await vegaEmbed(figure.appendChild(document.createElement("div")), JSON.parse(chart[1]), { ast: true, actions });
  } catch (error) {
    figure.textContent = `A chart that cannot be drawn: ${error.message}`;
  }
};
await Promise.all(charts.map(show));
if (!charts.length) page.textContent = "There is nothing to draw: run dvc repro first.";

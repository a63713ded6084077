function (content, map) {
  // Draws cells whose shade a range input moves through steps. Every text goes in as text, never as HTML.
  const cells = content.outlines.map((outline, number) => {
    const cell = L.polygon(outline, {color: "#767676", weight: 0.4, fillOpacity: 0.8});
    cell.bindTooltip(() => {
      const text = document.createElement("span");
      text.textContent = content.value[number][+range.value] + " " + content.unit;
      return text;
    });
    return cell.addTo(map);
  });
  const box = L.DomUtil.create("div");
  box.style.cssText =
    "background:#fff;padding:6px 10px;border:1px solid #999;font:13px sans-serif";
  const label = L.DomUtil.create("div", "", box);
  label.style.fontWeight = "bold";
  const range = L.DomUtil.create("input", "", box);
  Object.assign(range, {
    type: "range", min: 0, max: content.steps.length - 1, value: content.first,
  });
  range.style.width = "190px";
  range.setAttribute("aria-label", content.name);
  content.colours.forEach((colour, number) => {
    const row = L.DomUtil.create("div", "", box);
    const swatch = L.DomUtil.create("span", "", row);
    swatch.style.cssText = "display:inline-block;width:14px;height:10px;margin-right:6px";
    swatch.style.background = colour;
    row.appendChild(document.createTextNode(content.ranges[number] + " " + content.unit));
  });
  L.DomEvent.disableClickPropagation(box);
  L.DomEvent.disableScrollPropagation(box);
  const show = (step) => {
    cells.forEach((cell, number) => {
      const shade = content.shade[number][step];
      cell.setStyle(shade < 0 ? {opacity: 0, fillOpacity: 0}
        : {opacity: 1, fillOpacity: 0.8, fillColor: content.colours[shade]});
    });
    label.textContent = content.name + ": " + content.steps[step];
    range.setAttribute("aria-valuetext", content.steps[step]);
  };
  range.addEventListener("input", () => show(+range.value));
  const control = L.control({position: "bottomright"});
  control.onAdd = () => box;
  control.addTo(map);
  show(content.first);
}

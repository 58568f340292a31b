"use strict";
// A line over time: drawn anew each second, no information by colour alone.
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 128, TOP = 16, BOTTOM = 16;

function shape(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// The next round number that is not less.
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value);
}

function clock(seconds) {
  const s = Math.round(seconds), two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))} h`;
}

// `value` gives what of a point is drawn; null leaves a gap.
function chart(svg, points, value, kind, aim) {
  // As wide as it is shown: letters keep their shape.
  const WIDTH = svg.clientWidth || 600;
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.replaceChildren();
  const from = points.length ? Math.max(0, points[0].at - 1) : 0;
  const to = points.length ? points[points.length - 1].at : 1;
  const values = points.map(value).filter((v) => v !== null);
  const top = roundUp(Math.max(1, aim || 0, ...values));
  const x = (at) => ((at - from) / Math.max(1, to - from)) * WIDTH;
  const y = (v) => HEIGHT - BOTTOM - (v / top) * (HEIGHT - TOP - BOTTOM);
  let begun = null;
  points.forEach((point, n) => {
    const next = points[n + 1];
    if (!point.paused) return;
    if (begun === null) begun = n ? points[n - 1].at : from;
    if (next && next.paused) return;
    svg.append(shape("rect", { class: "paused", x: x(begun), y: TOP, width: Math.max(1, x(point.at) - x(begun)), height: HEIGHT - TOP - BOTTOM }));
    if (x(point.at) - x(begun) > 50) svg.append(shape("text", { x: x(begun) + 4, y: HEIGHT / 2 }, "paused"));
    begun = null;
  });
  if (aim) svg.append(shape("path", { class: "aim", d: `M0 ${y(aim)}H${WIDTH}` }));
  let path = "", down = false;
  for (const point of points) {
    const v = value(point);
    if (v === null) { down = false; continue; }
    path += `${down ? "L" : "M"}${x(point.at).toFixed(1)} ${y(v).toFixed(1)}`;
    if (!down) path += "h0.1";
    down = true;
  }
  if (path) svg.append(shape("path", { class: kind, d: path }));
  svg.append(shape("text", { x: 4, y: 12 }, top.toLocaleString("en")), shape("text", { x: 4, y: HEIGHT - 3 }, clock(from)));
  svg.append(shape("text", { x: WIDTH - 4, y: HEIGHT - 3, "text-anchor": "end" }, clock(to)));
}

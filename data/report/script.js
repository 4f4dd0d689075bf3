"use strict";
// Surfaces in space and curves, drawn from the numbers above; nothing is fetched.
const data = JSON.parse(document.getElementById("data").textContent);
const make = (name, attributes, parent, text) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  parent.appendChild(node);
  return node;
};
const ticks = (low, high, count) => {
  const raw = (high - low) / count, ten = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(f => f * ten).find(s => s >= raw * 0.999);
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) found.push(+(n * step).toPrecision(12));
  return found;
};
const extent = lists => {
  let low = Infinity, high = -Infinity;
  for (const list of lists) for (const v of list) if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); }
  return high > low ? [low, high] : [low - 1, high + 1];
};

// curves: [{name, x, y, dash, points, alone}]; labels: axis names; log: decades on the y axis;
// points: a mark at each value; alone: marks without a line
function plot(svg, curves, labels, log) {
  svg.replaceChildren();
  const W = 460, left = 58, right = 12, bottom = 42;
  let at = left, row = 0;
  const places = curves.map(c => {
    const label = make("text", {}, svg, c.name), wide = label.getComputedTextLength() + 27;
    label.remove();
    if (at > left && at + wide > W) { at = left; row += 1; }
    const place = {x: at, y: 12 + 18 * row};
    at += wide + 13;
    return place;
  });
  const H = 260 + 18 * row, top = 26 + 18 * row;
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  const f = v => v === null ? null : log ? Math.log10(v) : v;
  const [x0, x1] = extent(curves.map(c => c.x));
  let [y0, y1] = extent(curves.map(c => c.y.map(f)));
  if (log) { y0 = Math.floor(y0); y1 = Math.ceil(y1); } else { const room = 0.06 * (y1 - y0); y0 -= room; y1 += room; }
  const X = v => left + (v - x0) / (x1 - x0) * (W - left - right);
  const Y = v => H - bottom - (v - y0) / (y1 - y0) * (H - top - bottom);
  for (const t of ticks(x0, x1, 6)) make("text", {x: X(t), y: H - bottom + 16, "text-anchor": "middle"}, svg, t);
  for (const t of log ? ticks(y0, y1, 6).filter(Number.isInteger) : ticks(y0, y1, 5)) {
    make("line", {x1: left, x2: W - right, y1: Y(t), y2: Y(t), class: t === 0 && !log ? "axis" : "rule"}, svg);
    make("text", {x: left - 6, y: Y(t) + 4, "text-anchor": "end"}, svg, log ? "1e" + t : t);
  }
  make("text", {x: (left + W - right) / 2, y: H - 6, "text-anchor": "middle"}, svg, labels[0]);
  make("text", {x: 12, y: (top + H - bottom) / 2, "text-anchor": "middle",
    transform: `rotate(-90 12 ${(top + H - bottom) / 2})`}, svg, labels[1]);
  curves.forEach((c, order) => {
    const place = places[order];
    const kind = "c" + order % 4;
    let path = "", pen = "M";
    if (!c.alone) {
      c.x.forEach((x, n) => { const y = f(c.y[n]); if (y === null) pen = "M"; else { path += `${pen}${X(x).toFixed(1)} ${Y(y).toFixed(1)}`; pen = "L"; } });
      make("path", {d: path, class: kind, "stroke-width": 2, "stroke-dasharray": c.dash}, svg);
      make("line", {x1: place.x, x2: place.x + 22, y1: place.y, y2: place.y, class: kind, "stroke-width": 2, "stroke-dasharray": c.dash}, svg);
    } else make("circle", {cx: place.x + 11, cy: place.y, r: 4, class: kind, "stroke-width": 2}, svg);
    if (c.points || c.alone) c.x.forEach((x, n) => { const y = f(c.y[n]); if (y !== null) make("circle", {cx: X(x), cy: Y(y), r: c.alone ? 4 : 2, class: kind, "stroke-width": c.alone ? 2 : 1}, svg); });
    make("text", {x: place.x + 27, y: place.y + 4}, svg, c.name);
  });
  const line = make("line", {y1: top, y2: H - bottom, class: "axis", visibility: "hidden"}, svg);
  const read = make("text", {y: top + 12, "text-anchor": "middle", visibility: "hidden", class: "read"}, svg);
  svg.onmousemove = event => {
    const box = svg.getBoundingClientRect();
    const x = x0 + ((event.clientX - box.left) / box.width * W - left) / (W - left - right) * (x1 - x0);
    if (x < x0 || x > x1) return svg.onmouseleave();
    const values = curves.map(c => {
      let best = 0;
      c.x.forEach((v, n) => { if (Math.abs(v - x) < Math.abs(c.x[best] - x)) best = n; });
      const y = c.y[best];
      return y === null ? "-" : log ? y.toExponential(1) : y.toFixed(1);
    });
    line.setAttribute("x1", X(x)); line.setAttribute("x2", X(x));
    read.setAttribute("x", Math.min(Math.max(X(x), left + 70), W - 80));
    read.textContent = `${log ? Math.round(x) : x.toFixed(1)}: ${values.join(" / ")}`;
    line.setAttribute("visibility", "visible"); read.setAttribute("visibility", "visible");
  };
  svg.onmouseleave = () => { line.setAttribute("visibility", "hidden"); read.setAttribute("visibility", "hidden"); };
}

const scene = document.getElementById("scene");
if (scene) {
  const pick = document.getElementById("surface"), rise = document.getElementById("rise"), told = document.getElementById("told");
  const view = {turn: -0.6, tilt: 0.45};
  let dots = [];
  const colour = share => data.colours[Math.max(0, Math.min(data.colours.length - 1, Math.floor(share * data.colours.length)))];
  const draw = () => {
    const s = data.surfaces[pick.value], box = scene.getBoundingClientRect(), sharp = window.devicePixelRatio || 1;
    scene.width = box.width * sharp; scene.height = box.height * sharp;
    const pen = scene.getContext("2d"), style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink"), soft = style.getPropertyValue("--soft"), halo = style.getPropertyValue("--wash");
    pen.scale(sharp, sharp);
    pen.clearRect(0, 0, box.width, box.height);
    const [low, high] = extent(s.height), limit = Math.max(-low, high), side = Math.max(s.x[s.x.length - 1] - s.x[0], s.y[s.y.length - 1] - s.y[0]);
    const up = +rise.value * side / (high - low), middle = [(s.x[0] + s.x[s.x.length - 1]) / 2, (s.y[0] + s.y[s.y.length - 1]) / 2];
    const scale = 0.86 * Math.min(box.height / side, (box.width - 150) / (1.42 * side));
    const [ct, st, cp, sp] = [Math.cos(view.turn), Math.sin(view.turn), Math.cos(view.tilt), Math.sin(view.tilt)];
    const project = (x, y, h) => {
      const a = x - middle[0], b = y - middle[1], c = (h - (low + high) / 2) * up;
      const u = ct * a - st * b, v = st * a + ct * b;
      return [(box.width - 60) / 2 + scale * u, box.height / 2 - scale * (sp * v + cp * c), cp * v - sp * c];
    };
    dots = s.height.map((row, j) => row.map((h, i) => h === null ? null : project(s.x[i], s.y[j], h)));
    pen.strokeStyle = soft; pen.fillStyle = soft; pen.font = "12px system-ui, sans-serif"; pen.textAlign = "center";
    const floor = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([a, b]) => [s.x[a * (s.x.length - 1)], s.y[b * (s.y.length - 1)]]);
    pen.beginPath();
    floor.forEach(([x, y], n) => { const p = project(x, y, low - 0.35 * (high - low)); n ? pen.lineTo(p[0], p[1]) : pen.moveTo(p[0], p[1]); });
    pen.closePath(); pen.stroke();
    const tiles = [];
    for (let j = 0; j + 1 < dots.length; j++) for (let i = 0; i + 1 < dots[j].length; i++) {
      const corners = [[j, i], [j, i + 1], [j + 1, i + 1], [j + 1, i]], points = corners.map(([b, a]) => dots[b][a]);
      if (points.includes(null)) continue;
      const h = corners.reduce((sum, [b, a]) => sum + s.height[b][a], 0) / 4;
      tiles.push({points, depth: points.reduce((sum, p) => sum + p[2], 0), h, ruled: j % 6 === 0 || i % 6 === 0});
    }
    tiles.sort((a, b) => b.depth - a.depth);
    for (const tile of tiles) {
      pen.fillStyle = pen.strokeStyle = colour((tile.h / limit + 1) / 2);
      pen.beginPath();
      tile.points.forEach((p, n) => n ? pen.lineTo(p[0], p[1]) : pen.moveTo(p[0], p[1]));
      pen.closePath(); pen.fill(); pen.lineWidth = 0.7; pen.stroke();
      if (tile.ruled) { pen.strokeStyle = "rgba(0,0,0,0.22)"; pen.lineWidth = 0.5; pen.stroke(); }
    }
    pen.lineWidth = 3; pen.strokeStyle = halo; pen.fillStyle = soft;
    const depths = floor.map(([x, y]) => project(x, y, low)[2]), rear = Math.max(...depths), narrow = box.width < 500;
    for (const [n, [x, y]] of floor.entries()) {
      if (view.tilt < 1.2 && (depths[n] === rear || (narrow && depths[n] > 0))) continue; // the surface is before it
      const p = project(1.1 * (x - middle[0]) + middle[0], 1.1 * (y - middle[1]) + middle[1], low - 0.35 * (high - low));
      const at = [`${x.toFixed(1)}, ${y.toFixed(1)} mm`, Math.max(48, Math.min(box.width - 118, p[0])), p[1] + 4];
      pen.strokeText(...at); pen.fillText(...at);
    }
    const X = box.width - 66, Y0 = 30, Y1 = box.height - 30;
    for (let y = Y0; y < Y1; y++) { pen.fillStyle = colour((Y1 - y) / (Y1 - Y0)); pen.fillRect(X, y, 14, 1.5); }
    pen.fillStyle = ink; pen.textAlign = "left";
    for (const t of ticks(-limit, limit, 6)) pen.fillText(t, X + 19, Y1 - (t / limit + 1) / 2 * (Y1 - Y0) + 4);
    pen.fillText("um, up +", X - 6, 18);
    told.textContent = `${s.text}, drawn ${Number((1000 * up).toPrecision(2))} times as high`;
  };
  const show = () => {
    draw();
    const s = data.surfaces[pick.value];
    plot(document.getElementById("diagonals"), s.diagonals.map((d, n) => ({name: ["A to B", "C to D"][n], x: d.x, y: d.y,
      dash: ["", "6 3"][n]})), ["along the diagonal of the measuring zone (mm)", "height (um)"]);
  };
  const keys = {ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1]};
  scene.onkeydown = event => {
    const turn = keys[event.key], grow = {"+": 0.02, "=": 0.02, "-": -0.02}[event.key];
    if (turn) { view.turn += turn[0]; view.tilt = Math.max(0, Math.min(Math.PI / 2, view.tilt + turn[1])); }
    else if (grow) rise.value = +rise.value + grow;
    else if (event.key === "Home") { view.turn = -0.6; view.tilt = 0.45; rise.value = 0.2; }
    else return;
    event.preventDefault();
    draw();
  };
  let last = null;
  scene.onpointerdown = event => { last = event; scene.setPointerCapture(event.pointerId); };
  scene.onpointerup = () => { last = null; };
  scene.onpointermove = event => {
    if (last) {
      view.turn += (event.clientX - last.clientX) / 150;
      view.tilt = Math.max(0, Math.min(Math.PI / 2, view.tilt + (event.clientY - last.clientY) / 150));
      last = event;
      draw();
      return;
    }
    const box = scene.getBoundingClientRect(), s = data.surfaces[pick.value];
    let best = 200, text = "";
    dots.forEach((row, j) => row.forEach((p, i) => {
      if (!p) return;
      const d = (p[0] - event.clientX + box.left) ** 2 + (p[1] - event.clientY + box.top) ** 2;
      if (d < best) { best = d; text = `x ${s.x[i].toFixed(2)} mm, y ${s.y[j].toFixed(2)} mm: ${s.height[j][i].toFixed(1)} um`; }
    }));
    scene.title = text;
  };
  for (const [name, turn, tilt] of [["above", 0, Math.PI / 2], ["side", 0, 0], ["space", -0.6, 0.45]])
    document.getElementById(name).onclick = () => { view.turn = turn; view.tilt = tilt; draw(); };
  pick.onchange = show; rise.oninput = draw;
  for (const name of ["resize", "beforeprint", "afterprint"]) window.addEventListener(name, draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  window.matchMedia("print").addEventListener("change", draw);
  show();
}
const history = document.getElementById("residuals");
const styled = (curves, points) => curves.map((c, n) => ({...c, points, dash: ["", "6 3", "2 3"][n % 3]}));
if (history) plot(history, styled(data.residuals, false), ["iteration", "relative residual"], true);
const curve = document.getElementById("curve");
if (curve) {
  const measured = data.measured.x.length ? [{name: "measured", ...data.measured, alone: true}] : [];
  plot(curve, [...styled(data.curves, true), ...measured], ["temperature (°C)", "warpage (um), + convex"]);
}
// Folded sources are read on paper, too.
const folded = [];
window.addEventListener("beforeprint", () => document.querySelectorAll("details.sources:not([open])").forEach(d => { folded.push(d); d.open = true; }));
window.addEventListener("afterprint", () => { for (const d of folded.splice(0)) d.open = false; });
document.body.dataset.ready = "yes";

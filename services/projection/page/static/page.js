// Draws the charts from the tables beside them, and says so when the stream of news breaks off. No words: the page has them.
"use strict";

const SILENT_AFTER = 6000; // milliseconds; the server speaks at least once a second
const ANNOUNCE_EVERY = 15000;

const language = document.documentElement.lang;
const charts = new Map();
let heardAt = Date.now();
let announcedAt = Date.now();
let askedAt = Date.now();
let stream = null;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function read(table) {
  const rows = [...table.querySelectorAll("tbody tr")].map((row) => {
    const label = row.querySelector("[data-label]");
    const value = row.querySelector("[data-value]");
    return {
      label: label.dataset.label,
      title: label.textContent,
      value: Number(value.dataset.value) / 10 ** Number(table.dataset.digits),
      text: value.textContent,
    };
  });
  const style = table.dataset.currency ? { style: "currency", currency: table.dataset.currency } : {};
  const brief = new Intl.NumberFormat(language, { ...style, currencyDisplay: "narrowSymbol", notation: "compact" });
  return { rows, brief };
}

function options({ rows, brief }, kind) {
  const soft = colour("soft");
  const last = rows.length - 1;
  return {
    animationDuration: 300,
    animationDurationUpdate: 300,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 4, right: 8, top: 14, bottom: 2, containLabel: true },
    tooltip: {
      renderMode: "richText",
      confine: true,
      trigger: "axis",
      axisPointer: { type: "shadow", shadowStyle: { color: colour("line"), opacity: 0.45 } },
      backgroundColor: colour("card"),
      borderColor: colour("line"),
      textStyle: { color: colour("ink"), fontSize: 13 },
      formatter: ([point]) => `${rows[point.dataIndex].title}\n${rows[point.dataIndex].text}`,
    },
    xAxis: {
      type: "category",
      data: rows.map((row) => row.label),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colour("line") } },
      axisLabel: { color: soft, fontSize: 12, hideOverlap: true },
    },
    yAxis: {
      type: "value",
      splitNumber: 3,
      axisLabel: { color: soft, fontSize: 12, formatter: (value) => brief.format(value) },
      splitLine: { lineStyle: { color: colour("line"), type: [3, 4] } },
    },
    series: [{
      type: "bar",
      barMaxWidth: 34,
      barCategoryGap: "28%",
      data: rows.map((row, place) => ({
        value: row.value,
        itemStyle: {
          color: kind === "trend" && place < last ? colour("accent-soft") : colour("accent"),
          borderRadius: row.value < 0 ? [0, 0, 4, 4] : [4, 4, 0, 0],
        },
      })),
    }],
  };
}

function draw(force) {
  for (const place of document.querySelectorAll("[data-chart]")) {
    const kind = place.dataset.chart;
    const table = document.querySelector(`table[data-series="${kind}"]`);
    const drawn = charts.get(kind);
    if (!table || (drawn && drawn.from === table.innerHTML && !force)) continue;
    let chart = drawn && drawn.chart;
    if (!chart) {
      place.append(document.createElement("div"));
      place.firstChild.className = "canvas";
      chart = echarts.init(place.firstChild, null, { renderer: "canvas" });
    }
    chart.setOption(options(read(table), kind));
    charts.set(kind, { chart, place, from: table.innerHTML });
  }
}

function tell() {
  const silent = Date.now() - heardAt > SILENT_AFTER;
  const banner = document.getElementById("broken");
  banner.hidden = !silent;
  if (!silent) {
    banner.textContent = "";
    return;
  }
  if (!banner.textContent) banner.textContent = banner.dataset.words;
  const pill = document.querySelector("[data-pill]");
  pill.className = "pill broken";
  pill.textContent = banner.dataset.state;
  if (stream && stream.reader) stream.reader.cancel(); // half-open: let the extension connect again
  if (!stream && Date.now() - askedAt > SILENT_AFTER) connect(); // the first try failed, and the extension makes no other
}

function connect() {
  askedAt = Date.now();
  const source = document.querySelector("main");
  htmx.ajax("GET", source.getAttribute("hx-sse:connect"), { source });
}

function announce() {
  if (Date.now() - announcedAt < ANNOUNCE_EVERY) return;
  announcedAt = Date.now();
  document.getElementById("announcement").textContent = document.getElementById("announce").dataset.words;
}

document.addEventListener("htmx:sse:after:connection", (event) => { stream = event.detail.connection; });
document.addEventListener("htmx:sse:error", (event) => { if (event.detail.status === 401) location.reload(); });
document.addEventListener("htmx:sse:after:message", () => {
  heardAt = Date.now();
  draw(false);
  announce();
  tell();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) heardAt = Date.now(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(true));
addEventListener("resize", () => charts.forEach(({ chart }) => chart.resize()));
document.querySelector(".choose").addEventListener("change", (event) => {
  const day = event.currentTarget.querySelector("[data-today]");
  if (day && event.target !== day) day.disabled = true; // today stays today, also after midnight
  event.currentTarget.requestSubmit();
});
setInterval(tell, 1000);
document.fonts.ready.then(() => draw(true));
draw(false);

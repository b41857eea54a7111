/** The page's style sheet. Every pair of text and ground keeps a contrast of 4.5 or more, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f6f9; --card: #ffffff; --ink: #17202e; --soft: #566173; --line: #dbe1ea; --wire: #8d99ab; --focus: #1f4fc4;
  --good: #146339; --good-bg: #e4f4ea; --good-line: #2c9a60;
  --wait: #1d4b99; --wait-bg: #e7effc; --wait-line: #4a7fd8;
  --warn: #7a4a00; --warn-bg: #fdf2dc; --warn-line: #c98512;
  --bad: #9b1c25; --bad-bg: #fdeaeb; --bad-line: #d33b44;
  --calm: #4a5464; --calm-bg: #edf0f4; --calm-line: #97a2b2;
  --bar: #17202e; --bar-ink: #ffffff;
  --shadow: 0 1px 2px rgb(23 32 46 / .06), 0 4px 16px rgb(23 32 46 / .05);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f141b; --card: #18202a; --ink: #e8edf4; --soft: #a5b0c0; --line: #2b3542; --wire: #66748a; --focus: #8db4ff;
    --good: #83dfaa; --good-bg: #12301f; --good-line: #2f9d63;
    --wait: #a6c7ff; --wait-bg: #172a4a; --wait-line: #5287dd;
    --warn: #f6ca7d; --warn-bg: #372a0f; --warn-line: #c68d2c;
    --bad: #ffa6ab; --bad-bg: #40191d; --bad-line: #dd5a63;
    --calm: #b9c3d1; --calm-bg: #242d3a; --calm-line: #6f7d90;
    --bar: #33425a; --bar-ink: #f1f5fa;
    --shadow: none;
  }
}
* { box-sizing: border-box; margin: 0; }
html { font: 15px/1.5 Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; background: var(--ground); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { max-width: 74rem; margin: 0 auto; padding: 2rem 1.5rem 3rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.6rem, 5vw, 2.25rem); line-height: 1.15; letter-spacing: -.02em; font-weight: 700; }
h2 { font-size: 1.2rem; letter-spacing: -.01em; margin: 0 0 .35rem; }
h3 { font-size: 1rem; font-weight: 650; }
ul, ol { list-style: none; padding: 0; }
small { font-size: .8rem; color: var(--soft); }
code, pre, .device { font-family: var(--mono); font-size: .9em; font-variant-ligatures: none; }
.device { unicode-bidi: isolate; }
summary { cursor: pointer; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
main:focus-visible { outline: none; }
.sprite { position: absolute; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); color: var(--ink); padding: .5rem 1rem; z-index: 9; }
.icon { width: 1rem; height: 1rem; flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; vertical-align: -.15em; }
.lead, .more { color: var(--soft); max-width: 70ch; }
.lead { margin-bottom: 1rem; }
.error { color: var(--bad); }
.good { --fg: var(--good); --bg: var(--good-bg); --edge: var(--good-line); }
.wait { --fg: var(--wait); --bg: var(--wait-bg); --edge: var(--wait-line); }
.warn { --fg: var(--warn); --bg: var(--warn-bg); --edge: var(--warn-line); }
.bad { --fg: var(--bad); --bg: var(--bad-bg); --edge: var(--bad-line); }
.calm { --fg: var(--calm); --bg: var(--calm-bg); --edge: var(--calm-line); }
.state { display: inline-flex; align-items: baseline; gap: .3em; color: var(--fg); white-space: nowrap; }
.state .icon { transform: translateY(.14em); }
.legend { display: flex; flex-wrap: wrap; gap: .15rem .9rem; font-size: .87rem; }

header { display: grid; grid-template-columns: 1fr auto; gap: 1.25rem 1rem; align-items: end; }
header > #now, header > #facts, header > noscript { grid-column: 1 / -1; }
.eyebrow { color: var(--soft); font-size: .87rem; margin-bottom: .15rem; }
.live { display: flex; align-items: center; gap: .75rem; font-size: .87rem; color: var(--soft); }
#live { display: inline-flex; align-items: center; gap: .45rem; }
#live::before { content: ""; width: .6rem; height: .6rem; border-radius: 50%; border: 2px solid var(--calm-line); }
#live.on::before { background: var(--good-line); border-color: var(--good-line); animation: breathe 2.4s ease-in-out infinite; }
#live.lost { color: var(--bad); }
#live.lost::before { border-color: var(--bad-line); border-radius: 1px; }
@keyframes breathe { 50% { opacity: .35; } }
button { font: inherit; font-size: .87rem; color: var(--ink); background: var(--card); border: 1px solid var(--wire); border-radius: 7px; padding: .3rem .8rem; cursor: pointer; }
button[aria-pressed="true"] { background: var(--ink); color: var(--ground); }

.verdict { display: flex; gap: 1rem; align-items: center; padding: 1.1rem 1.25rem; border-radius: 14px; background: var(--bg); border: 1px solid var(--edge); }
.verdict .badge { display: grid; place-items: center; width: 2.6rem; height: 2.6rem; border-radius: 50%; flex: none; color: var(--bg); background: var(--fg); }
.verdict .badge .icon { width: 1.5rem; height: 1.5rem; stroke-width: 2; }
.verdict .title { color: var(--fg); font-size: 1.25rem; font-weight: 650; letter-spacing: -.01em; line-height: 1.3; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1px; background: var(--line); border: 1px solid var(--line); border-radius: 14px; overflow: hidden; box-shadow: var(--shadow); }
.fact { background: var(--card); padding: 1rem 1.15rem; }
.fact dt { color: var(--soft); font-size: .82rem; }
.fact dd { display: grid; gap: .1rem; font-size: .87rem; color: var(--soft); }
.fact strong { font-size: 1.1rem; font-weight: 650; color: var(--ink); margin-bottom: .15rem; }
.fact strong .state { margin-right: .1em; }
.share { display: block; border-radius: 4px; margin: .25rem 0 .35rem; }
.share rect { fill: var(--edge); }

main { display: grid; gap: 2.75rem; margin-top: 2.5rem; }
main > * { min-width: 0; }
#held:empty, #warnings:empty { display: none; }
.stack { display: grid; gap: .75rem; }
.note { border-radius: 10px; padding: .9rem 1.1rem; background: var(--bg, var(--card)); border: 1px solid var(--edge, var(--line)); border-left-width: 4px; display: grid; gap: .35rem; }
.note strong { color: var(--fg); font-weight: 650; }
.note ul { list-style: disc; padding-left: 1.2rem; }
.note.plain { border-left-color: var(--warn-line); }
.note .kind { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .5rem; color: var(--warn); }
.note pre { background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: .5rem .75rem; overflow-x: auto; color: var(--ink); justify-self: start; max-width: 100%; }
.remedy b { font-weight: 650; }

.network { background: var(--card); border: 1px solid var(--line); border-radius: 14px; margin-bottom: .5rem; box-shadow: var(--shadow); }
.network > summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: .15rem .9rem; padding: .8rem 1.15rem .8rem 2.4rem; position: relative; list-style: none; border-radius: 14px; }
.network > summary::-webkit-details-marker { display: none; }
.network > summary::before { content: ""; position: absolute; left: 1.2rem; top: 1.3rem; width: .5rem; height: .5rem; border: solid var(--soft); border-width: 0 2px 2px 0; transform: translateY(-50%) rotate(-45deg); }
.network[open] > summary::before { transform: translateY(-65%) rotate(45deg); }
.network > summary .id { color: var(--soft); }
.network > summary .legend { margin-left: auto; }
.network > .note { margin: 0 1.15rem 1rem; }
.drawing { padding: .25rem 1.15rem 1.15rem; }
.box { display: flex; gap: .55rem; align-items: flex-start; background: var(--card); border: 1.5px solid var(--edge, var(--wire)); border-radius: 9px; padding: .4rem .7rem; }
.box .icon { margin-top: .2rem; }
.box b { font-weight: 600; margin-right: .5rem; white-space: nowrap; }
.uplink { position: relative; margin-left: .75rem; padding-bottom: 1.1rem; }
.uplink .box { display: inline-flex; border-style: dashed; color: var(--soft); }
.uplink.joined .box { border-style: solid; color: var(--ink); }
.uplink::after { content: ""; position: absolute; left: 1.1rem; bottom: 0; height: 1.1rem; border-left: 2px dashed var(--line); }
.uplink.joined::after { border-left: 2px solid var(--wire); }
.bridge { position: relative; z-index: 1; display: flex; align-items: center; gap: .55rem; background: var(--bar); color: var(--bar-ink); border: 1.5px solid var(--bar); border-radius: 9px; padding: .4rem .9rem; }
.bridge small { color: inherit; }
.bridge.missing { background: var(--card); color: var(--soft); border: 1.5px dashed var(--wire); }
.bridge.missing + .taps .tap::before { border-style: dashed; }
.taps.free { padding-left: 0; }
.taps.free .tap { padding-left: 0; }
.taps.free .tap::before { content: none; }
.taps { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(16.5rem, 100%), 1fr)); align-items: start; gap: .6rem 1rem; padding: .9rem 0 .1rem .75rem; overflow: clip; overflow-clip-margin: 4px; }
.tap { position: relative; padding-left: 1.5rem; }
.tap::before { content: ""; position: absolute; left: 0; top: -100rem; height: calc(100rem + 1.2rem); width: 1.5rem; border: solid var(--wire); border-width: 0 0 2px 2px; border-bottom-left-radius: 9px; }
.tap.loose::before { border-bottom-style: dashed; }
.tap .box { border-color: var(--edge); }
.tap.good .box { border-color: var(--line); }
.tap.loose .box { border-style: dashed; }
.tap .box > .icon { color: var(--fg); }
.tap small { color: var(--fg); font-weight: 550; white-space: nowrap; }
.why { display: block; color: var(--soft); font-size: .87rem; }
.fold > summary { color: var(--soft); padding: .45rem 0 .2rem; width: fit-content; text-decoration: underline; text-underline-offset: 3px; text-decoration-color: var(--wire); }
.taps + .fold { padding-left: .75rem; }

.chart { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: .75rem 1.15rem .8rem; margin-bottom: .75rem; box-shadow: var(--shadow); }
.chart svg { display: block; overflow: visible; }
.chart text { font-size: 11px; fill: var(--ink); text-anchor: middle; }
.chart .scale { fill: var(--soft); text-anchor: start; }
.chart .grid { stroke: var(--line); stroke-dasharray: 2 4; }
.chart .axis { stroke: var(--wire); }
.pass rect { fill: var(--edge); }
.pass.quiet rect { fill: var(--card); stroke: var(--calm-line); stroke-width: 1.5; }
.pass.warn rect { fill: var(--bg); stroke: var(--edge); stroke-width: 2; stroke-dasharray: 4 2; }
.pass.bad rect { stroke: var(--fg); stroke-width: 3; }
.pass.bad text { fill: var(--bad); font-weight: 700; }
figcaption { display: flex; justify-content: space-between; color: var(--soft); font-size: .82rem; margin-top: .35rem; }
.key { display: inline-flex; align-items: center; gap: .4rem; color: var(--soft); }
.key i { width: .75rem; height: .75rem; border-radius: 2px; background: var(--edge); }
.key.quiet i { background: var(--card); border: 1.5px solid var(--calm-line); }
.key.warn i { background: var(--bg); border: 2px dashed var(--edge); }
.key.bad i { border: 3px solid var(--fg); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; margin-top: .5rem; }
th, td { text-align: left; padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 550; }
.number { text-align: right; }

.log > li { display: grid; grid-template-columns: 6.5rem 1fr; padding: .7rem 0; border-top: 1px solid var(--line); }
.log .when { color: var(--soft); font-size: .87rem; padding-top: .08rem; }
.log ul { display: grid; gap: .45rem; }
.log ul li { display: flex; gap: .6rem; }
.log ul li .icon { margin-top: .25rem; color: var(--soft); }
.log ul li.bad .icon { color: var(--bad); }
.log b { font-weight: 600; }
.log .error.text { display: block; font-size: .87rem; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .87rem; }

@media (max-width: 40rem) {
  body { padding: 1.25rem 1rem 2rem; }
  header { gap: 1rem; grid-template-columns: 1fr; }
  .live { justify-content: space-between; }
  .verdict { align-items: flex-start; padding: 1rem; }
  .verdict .title { font-size: 1.1rem; }
  .facts { grid-template-columns: 1fr; }
  .network > summary .legend { margin-left: 0; width: 100%; }
  .log > li { grid-template-columns: 1fr; gap: .25rem; }
  .pass text { display: none; }
}
@media (prefers-reduced-motion: reduce) { *, ::before { animation: none !important; } }
@media (forced-colors: active) { .share rect, .pass rect { forced-color-adjust: none; } }
@media print { .live, .skip { display: none; } body { max-width: none; } .network { break-inside: avoid; } }
`;

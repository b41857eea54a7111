/*
 * Applies what the stream sends to the regions of the page, changing only what differs, so that focus, selection and folds
 * stay. Without it the page is a picture of one moment.
 */
const live = document.getElementById('live');
const pause = document.getElementById('pause');
/* No word for so long: the agent has stopped, or the way to it is cut. The stream speaks every two seconds. */
const SILENCE_MS = 10000;
let source = null;
let silence = 0;

function say(state, words) {
  live.className = state;
  live.textContent = words;
}

function connect() {
  source = new EventSource('events');
  source.onopen = heard;
  source.onmessage = (event) => {
    heard();
    apply(JSON.parse(event.data));
  };
  source.onerror = () => {
    say('lost', 'connection lost, trying again');
    /* A refused answer closes the source for good; a cut one is taken up again by the browser itself. */
    if (source.readyState === EventSource.CLOSED) setTimeout(() => source && connect(), 5000);
  };
}

function heard() {
  say('on', 'live');
  clearTimeout(silence);
  silence = setTimeout(() => say('lost', 'no news from the agent'), SILENCE_MS);
}

function apply({ title, regions }) {
  document.title = title;
  const focused = document.activeElement;
  for (const { id, order, changed } of regions) {
    const region = document.getElementById(id);
    for (const child of [...region.children]) if (!order.includes(child.id)) child.remove();
    order.forEach((part, at) => {
      let element = document.getElementById(part);
      if (changed[part] !== undefined) {
        const fresh = parse(changed[part]);
        if (element) morph(element, fresh);
        else element = fresh;
      }
      if (region.children[at] !== element) region.insertBefore(element, region.children[at] || null);
    });
  }
  /* What is moved loses the focus. */
  if (focused.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}

function parse(text) {
  const template = document.createElement('template');
  template.innerHTML = text;
  return document.importNode(template.content.firstElementChild, true);
}

/* Makes one node like another; whether a fold is open is the reader's business. */
function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) return from.replaceWith(to);
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const { name } of [...from.attributes])
    if (name !== 'open' && !to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes)
    if (name !== 'open' && from.getAttribute(name) !== value) from.setAttribute(name, value);
  const fresh = [...to.childNodes];
  for (const [at, child] of fresh.entries())
    if (at < from.childNodes.length) morph(from.childNodes[at], child);
    else from.append(child);
  while (from.childNodes.length > fresh.length) from.lastChild.remove();
}

pause.hidden = false;
pause.onclick = () => {
  const paused = source !== null;
  pause.setAttribute('aria-pressed', String(paused));
  if (paused) {
    clearTimeout(silence);
    source.close();
    source = null;
    say('', 'paused');
  } else connect();
};
connect();

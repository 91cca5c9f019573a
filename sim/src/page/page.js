// Draws a page: lanes with bars, arrows between them, regions behind, marks on top. Everything that is shown comes out
// of the JSON above, and goes in as text.
'use strict';
(() => {
  // Characters that steer, turn or hide what stands around them are spelt out, as in a terminal.
  const HIDDEN = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
  const spelt = (text) => text.replace(HIDDEN, (letter) => `\\u{${letter.charCodeAt(0).toString(16)}}`);
  const page = JSON.parse(document.getElementById('data').textContent,
    (_, value) => typeof value === 'string' ? spelt(value) : value);
  const $ = (id) => document.getElementById(id);
  const LANE = 26, AXIS = 26, GUTTER = 96, ROWS = 200, HEIGHT_MAX = 620, EDGE = 12, SMALL = 4;
  const TONES = {
    ok: ['--good', 'ok'], fail: ['--failed', 'did not happen'], unknown: ['--unknown', 'outcome unknown'],
    wrong: ['--bad', 'does not fit'], message: ['--message', 'message'], event: ['--event', 'event'],
    fault: ['--fault', 'fault'],
  };

  // Everything that can be selected, in order of time.
  const items = [];
  for (const bar of page.bars) items.push({ is: 'bar', from: bar.from, to: bar.to, lane: bar.lane, ...bar });
  for (const arrow of page.arrows) {
    items.push({ is: 'arrow', from: arrow.sent, to: arrow.arrived, lane: arrow.from, other: arrow.to,
      text: arrow.text, tone: arrow.tone, role: arrow.role, key: null, detail: arrow.detail });
  }
  for (const mark of page.marks) items.push({ is: 'mark', from: mark.at, to: mark.at, key: null, ...mark });
  for (const region of page.regions) {
    items.push({ is: 'region', lane: region.lanes.length === 1 ? region.lanes[0] : null, key: null, ...region });
  }
  items.sort((a, b) => a.from - b.from);
  const end = items.reduce((end, item) => Math.max(end, item.to ?? item.from, item.point ?? end), 0);
  const begin = items.reduce((begin, item) => Math.min(begin, item.from), Math.min(0, end));
  const whole = Math.max(end - begin, 1);
  // Where an open bar gives room to the next one of its lane.
  const last = new Map();
  for (const item of items) {
    if (item.is !== 'bar') continue;
    const before = last.get(item.lane);
    if (before && before.to === null) before.until = item.from;
    last.set(item.lane, item);
  }

  let shown = items, reach = [], rows = [], laneAt = new Map(), from = begin, to = end, top = 0, selected = null, first = 0;

  // What is told in words.
  const digits = (number) => number.toLocaleString('en', { maximumFractionDigits: 3 });
  const when = (at) => {
    if (page.unit === 'order') return String(at / 2);
    const size = Math.abs(at);
    if (size === 0) return '0';
    if (size >= 1e9) return digits(at / 1e9) + ' s';
    if (size >= 1e6) return digits(at / 1e6) + ' ms';
    return size >= 1e3 ? digits(at / 1e3) + ' µs' : at + ' ns';
  };
  // A time in a link, and back: exact, as far as a number is.
  const linked = (at) => {
    if (page.unit === 'order') return String(at / 2);
    return (at / 1e9).toFixed(9).replace(/\.?0+$/, '') + 's';
  };
  const SIZES = { s: 1e9, ms: 1e6, us: 1e3, ns: 1, '': page.unit === 'order' ? 2 : 1e9 };
  const pointed = (hash) => {
    const found = /^#at=(-?\d+(?:\.\d+)?)(s|ms|us|ns|)$/.exec(hash);
    return found && Math.round(Number(found[1]) * SIZES[found[2]]);
  };
  const laneName = (item) => {
    if (item.is === 'arrow') return page.lanes[item.lane] + ' → ' + page.lanes[item.other];
    if (item.is === 'region' && item.lane === null) {
      return item.lanes.length ? item.lanes.map((lane) => page.lanes[lane]).join(', ') : 'all';
    }
    return page.lanes[item.lane] ?? '';
  };
  const outcome = (item) => item.role ?? TONES[item.tone][1];

  // What is shown, in order of its begin; and how far what begins up to each of it reaches, so that what a view has of it
  // is found without a look at the rest. Regions are few.
  const reaches = (item) => item.is === 'region' ? -Infinity
    : Math.max(item.from, item.to ?? item.until ?? Infinity, item.point ?? -Infinity);
  const inView = () => {
    const place = (isIt) => {
      let low = 0, high = shown.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (isIt(middle)) high = middle; else low = middle + 1;
      }
      return low;
    };
    const left = at(0), right = at(width);
    return shown.slice(place((index) => reach[index] >= left), place((index) => shown[index].from > right));
  };
  const filter = () => {
    const words = $('search').value.toLowerCase().split(/\s+/).filter(Boolean);
    const key = $('key').value, layer = $('layer').value;
    shown = items.filter((item) => {
      if (layer && item.is !== layer && !(layer === 'evidence' && item.role)) return false;
      if (key && item.is === 'bar' && !(item.keys ?? []).includes(page.keys.indexOf(key))) return false;
      if (!words.length) return true;
      const text = (item.text + ' ' + laneName(item) + ' ' + outcome(item)).toLowerCase();
      return words.every((word) => text.includes(word));
    });
    let furthest = -Infinity;
    reach = Float64Array.from(shown, (item) => furthest = Math.max(furthest, reaches(item)));
    const isNarrowed = words.length || key || layer;
    const used = new Set();
    for (const item of shown) {
      if (item.is === 'region') continue;
      used.add(item.lane);
      if (item.is === 'arrow') used.add(item.other);
    }
    rows = page.lanes.map((_, lane) => lane).filter((lane) => !isNarrowed || used.has(lane));
    laneAt = new Map(rows.map((lane, row) => [lane, row]));
    $('count').textContent = isNarrowed ? `${shown.length} of ${items.length} shown` : `${items.length} shown`;
    first = 0;
    top = 0;
    resize();
    table();
  };

  // The chart.
  const canvas = $('chart'), pen = canvas.getContext('2d');
  let width = 0, height = 0, colours = {}, taken = [];
  // Of each lane, the bars that are too small to be told apart, as one, as long as they follow each other.
  const runs = new Map();
  const resize = () => {
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth;
    height = Math.min(AXIS + Math.max(rows.length, 1) * LANE + 8, HEIGHT_MAX);
    canvas.style.height = height + 'px';
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    colours = { ground: colour('--ground'), ink: colour('--ink'), soft: colour('--soft'), line: colour('--line'),
      band: colour('--band'), point: colour('--point'), focus: colour('--focus') };
    for (const [tone, [name]] of Object.entries(TONES)) colours[tone] = colour(name);
    draw();
  };
  const x = (at) => GUTTER + EDGE + (at - from) / Math.max(to - from, 1e-9) * (width - GUTTER - 2 * EDGE);
  const at = (x) => from + (x - GUTTER - EDGE) / (width - GUTTER - 2 * EDGE) * (to - from);
  const y = (lane) => AXIS + laneAt.get(lane) * LANE - top;
  const isSeen = (lane) => laneAt.has(lane) && y(lane) > AXIS - LANE && y(lane) < height;
  const clipped = (text, room) => {
    const fits = Math.floor(room / 6.2);
    return text.length <= fits ? text : fits > 3 ? text.slice(0, fits - 1) + '…' : '';
  };

  // However much is asked for, it is painted once a frame.
  let isDue = false;
  const draw = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => { isDue = false; paint(); });
  };
  const paint = () => {
    canvas.dataset.from = from;
    canvas.dataset.to = to;
    $('span').textContent = when(Math.round(from)) + ' to ' + when(Math.round(to));
    taken = [];
    pen.fillStyle = colours.ground;
    pen.fillRect(0, 0, width, height);
    pen.font = '11px system-ui, sans-serif';
    pen.textBaseline = 'middle';
    rows.forEach((lane, row) => {
      if (!isSeen(lane)) return;
      pen.fillStyle = row % 2 ? colours.ground : colours.band;
      pen.fillRect(0, y(lane), width, LANE);
    });
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, 0, width - GUTTER, height);
    pen.clip();
    for (const item of shown) if (item.is === 'region') region(item);
    grid();
    const visible = inView();
    for (const item of visible) if (item.is === 'bar') bar(item);
    for (const [lane, run] of runs) painted(lane, run);
    runs.clear();
    const arrows = visible.filter((item) => item.is === 'arrow' && isCrossed(item));
    const isDense = arrows.length > 400;
    for (const item of arrows) if (!isBold(item)) arrow(item, isDense);
    for (const item of visible) if (item.is === 'mark') mark(item);
    for (const item of arrows) if (isBold(item)) arrow(item, false);
    for (const item of shown) if (item.is === 'region') named(item);
    for (const item of arrows) if (item.role) said(item);
    pen.restore();
    pen.fillStyle = colours.ground;
    pen.fillRect(0, 0, width, AXIS - 1);
    axis();
    for (const lane of rows) {
      if (!isSeen(lane) || y(lane) < AXIS - 4) continue;
      pen.fillStyle = colours.ink;
      pen.fillText(clipped(page.lanes[lane], GUTTER - 12), 8, y(lane) + LANE / 2);
    }
  };
  const ticks = () => {
    const rough = (to - from) / Math.max((width - GUTTER) / 110, 1);
    const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)));
    const step = Math.max([1, 2, 5, 10].find((times) => times * power >= rough) * power, page.unit === 'order' ? 2 : 1);
    const all = [];
    for (let tick = Math.ceil(from / step) * step; tick <= to && all.length < 200; tick += step) all.push(tick);
    return all;
  };
  const grid = () => {
    pen.fillStyle = colours.line;
    for (const tick of ticks()) pen.fillRect(Math.round(x(tick)), AXIS, 1, height);
  };
  const axis = () => {
    pen.fillStyle = colours.soft;
    pen.textAlign = 'center';
    for (const tick of ticks()) pen.fillText(when(tick), Math.min(x(tick), width - 30), AXIS / 2);
    pen.textAlign = 'left';
    if (page.unit === 'order') pen.fillText('events', 8, AXIS / 2);
    pen.fillStyle = colours.line;
    pen.fillRect(0, AXIS - 1, width, 1);
    pen.fillRect(GUTTER, 0, 1, height);
  };
  const region = (item) => {
    const left = Math.max(x(item.from), GUTTER), right = Math.min(x(item.to ?? to), width);
    if (right < GUTTER || left > width) return;
    pen.fillStyle = colours[item.tone];
    const lanes = item.lanes.length ? item.lanes.filter(isSeen) : rows.filter(isSeen);
    pen.globalAlpha = item === selected ? 0.4 : 0.16;
    for (const lane of lanes) pen.fillRect(left, y(lane), Math.max(right - left, 1), LANE);
    pen.globalAlpha = 1;
  };
  const named = (item) => {
    const left = Math.max(x(item.from), GUTTER), right = Math.min(x(item.to ?? to), width);
    const lane = item.lanes.length ? item.lanes.find(isSeen) : rows.find(isSeen);
    if (right > left && lane !== undefined) label(clipped(item.text, right - left - 4), left + 3, y(lane) + 8);
  };
  // Words on what is painted, where no others stand.
  const label = (text, left, middle) => {
    if (!text) return;
    const right = left + pen.measureText(text).width;
    const isOver = (other) => left < other.right && right > other.left && Math.abs(middle - other.middle) < 14;
    if (right < GUTTER || left > width || taken.some(isOver)) return;
    taken.push({ left, right, middle });
    pen.fillStyle = colours.ground;
    pen.globalAlpha = 0.85;
    pen.fillRect(left - 2, middle - 7, right - left + 4, 14);
    pen.globalAlpha = 1;
    pen.fillStyle = colours.ink;
    pen.fillText(text, left, middle);
  };
  const bar = (item) => {
    if (!isSeen(item.lane)) return;
    const left = x(item.from), isOpen = item.to === null;
    const right = isOpen ? x(item.until ?? Math.max(to, end)) : Math.max(x(item.to), left + 2);
    if (Math.max(right, isOpen ? width : 0) < GUTTER || left > width) return;
    if (right - left <= SMALL && !item.role && item !== selected) {
      const run = runs.get(item.lane);
      if (run && run.tone === item.tone && left <= run.right + 1) {
        run.right = Math.max(run.right, right);
      } else {
        if (run) painted(item.lane, run);
        runs.set(item.lane, { left, right, tone: item.tone });
      }
      return;
    }
    const top = y(item.lane) + 4, tall = LANE - 8;
    pen.fillStyle = colours[item.tone];
    pen.globalAlpha = item.tone === 'wrong' ? 0.55 : item.role ? 0.6 : 0.38;
    if (isOpen) {
      const full = Math.min(right, left + 60);
      pen.fillRect(left, top, full - left, tall);
      pen.fillRect(full, top + tall / 2 - 1, Math.max(right, width) - full, 2);
    } else {
      pen.fillRect(left, top, right - left, tall);
    }
    pen.globalAlpha = 1;
    if (item.role || item === selected) {
      pen.strokeStyle = item === selected ? colours.focus : colours[item.tone];
      pen.lineWidth = item === selected ? 2 : 1;
      pen.strokeRect(left, top, Math.max((isOpen ? Math.min(right, left + 60) : right) - left, 3), tall);
    }
    if (item.point !== null && item.point !== undefined) {
      pen.fillStyle = colours.point;
      pen.fillRect(x(item.point) - 1, top - 2, 2.5, tall + 4);
    }
    const begin = Math.max(left, GUTTER);
    const text = clipped(item.text, (isOpen ? Math.min(right, left + 60) : right) - begin - 4);
    if (!text) return;
    pen.fillStyle = colours.ink;
    pen.fillText(text, begin + 4, top + tall / 2);
  };
  const painted = (lane, run) => {
    pen.fillStyle = colours[run.tone];
    pen.globalAlpha = run.tone === 'wrong' ? 0.55 : 0.38;
    pen.fillRect(run.left, y(lane) + 4, run.right - run.left, LANE - 8);
    pen.globalAlpha = 1;
  };
  const isBold = (item) => item === selected || Boolean(item.role);
  const isCrossed = (item) => {
    if (!laneAt.has(item.lane) || !laneAt.has(item.other)) return false;
    const x1 = x(item.from), x2 = x(item.to), y1 = y(item.lane) + LANE / 2, y2 = y(item.other) + LANE / 2;
    return Math.max(x1, x2) >= GUTTER && Math.min(x1, x2) <= width && Math.max(y1, y2) >= AXIS && Math.min(y1, y2) <= height;
  };
  // What is evidence is bent to its left: arrows that go there and back stand apart.
  const bent = (item) => {
    const x1 = x(item.from), x2 = x(item.to), y1 = y(item.lane) + LANE / 2, y2 = y(item.other) + LANE / 2;
    const length = Math.hypot(x2 - x1, y2 - y1) || 1, bend = item.role ? 30 : 0;
    const cx = (x1 + x2) / 2 + (y2 - y1) / length * bend, cy = (y1 + y2) / 2 - (x2 - x1) / length * bend;
    return { x1, x2, y1, y2, cx, cy };
  };
  const arrow = (item, isDense) => {
    const { x1, x2, y1, y2, cx, cy } = bent(item);
    pen.strokeStyle = pen.fillStyle = item === selected ? colours.focus : item.role ? colours.ink : colours[item.tone];
    pen.globalAlpha = isBold(item) ? 1 : isDense ? 0.2 : 0.45;
    pen.lineWidth = isBold(item) ? 2 : 1;
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.quadraticCurveTo(cx, cy, x2, y2);
    pen.stroke();
    if (!isDense) {
      const turn = Math.atan2(y2 - cy, x2 - cx);
      pen.beginPath();
      pen.moveTo(x2, y2);
      pen.lineTo(x2 - 8 * Math.cos(turn - 0.4), y2 - 8 * Math.sin(turn - 0.4));
      pen.lineTo(x2 - 8 * Math.cos(turn + 0.4), y2 - 8 * Math.sin(turn + 0.4));
      pen.fill();
    }
    pen.globalAlpha = 1;
  };
  const said = (item) => {
    const { x1, x2, y1, y2, cx, cy } = bent(item);
    label(clipped(item.text, 240), (cx + (x1 + x2) / 2) / 2 + 4, (cy + (y1 + y2) / 2) / 2);
  };
  const mark = (item) => {
    if (!isSeen(item.lane)) return;
    const here = x(item.from), middle = y(item.lane) + LANE / 2;
    if (here < GUTTER || here > width) return;
    pen.fillStyle = colours[item.tone];
    const size = item === selected || item.role ? 6 : 3.5;
    pen.beginPath();
    pen.moveTo(here, middle - size);
    pen.lineTo(here + size, middle);
    pen.lineTo(here, middle + size);
    pen.lineTo(here - size, middle);
    pen.closePath();
    pen.fill();
    if (item !== selected) return;
    pen.strokeStyle = colours.focus;
    pen.lineWidth = 2;
    pen.stroke();
  };

  // Moving and choosing.
  const look = (newFrom, newTo) => {
    const size = Math.min(Math.max(newTo - newFrom, whole / 1e7, 1e-3), whole * 1.02);
    // Where less is shown than asked for, the middle stays; beyond begin and end there is a margin.
    const left = (newFrom + newTo - size) / 2, least = begin - size * 0.1, most = end - size * 0.9;
    from = least > most ? (least + most) / 2 : Math.min(Math.max(left, least), most);
    to = from + size;
    draw();
  };
  const zoom = (times, around = (from + to) / 2) => look(around - (around - from) * times, around + (to - around) * times);
  const fit = () => { top = 0; look(begin - whole * 0.01, end + whole * 0.01); };
  const scroll = (by) => {
    top = Math.max(0, Math.min(top + by, AXIS + rows.length * LANE + 8 - height));
    draw();
  };
  // A link to what was chosen: the time at which it begins.
  const link = (item) => history.replaceState(null, '', item ? '#at=' + linked(item.from) : '#');
  const choose = (item, isToBeSeen) => {
    select(item, isToBeSeen);
    link(item);
  };
  const select = (item, isToBeSeen) => {
    selected = item;
    if (!item) {
      $('detail').textContent = 'Nothing selected.';
    } else {
      const span = item.to === null || item.to === undefined ? when(item.from) + ' –'
        : item.to === item.from ? when(item.from) : when(item.from) + ' – ' + when(item.to);
      const name = laneName(item);
      const lines = [item.text.startsWith(name + ' ') ? item.text : name + '  ' + item.text, outcome(item)];
      if (item.is !== 'arrow' || !item.role) lines.push(span);
      if (item.point !== null && item.point !== undefined) lines.push('takes effect at ' + when(item.point) + ' in the order that explains every answer');
      if (item.detail) lines.push(...item.detail.split('\n').filter((line) => line !== item.text));
      $('detail').textContent = lines.join('\n');
    }
    if (item && isToBeSeen) {
      const size = to - from;
      if (item.from < from || (item.to ?? item.from) > to) look(item.from - size / 2, item.from + size / 2);
      const row = laneAt.get(item.lane);
      if (row !== undefined && (y(item.lane) < AXIS || y(item.lane) > height - LANE)) {
        top = 0;
        scroll(row * LANE - height / 2);
      }
    }
    draw();
    for (const row of $('table').rows) row.setAttribute('aria-selected', String(row.item === item));
  };
  const step = (by) => {
    const here = shown.indexOf(selected);
    const next = here < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.min(Math.max(here + by, 0), shown.length - 1);
    choose(shown[next] ?? null, true);
  };
  // Goes where a link points, if there is one.
  const follow = () => {
    const place = pointed(location.hash);
    if (place === null) return false;
    const size = Math.min(to - from, whole / 20);
    look(place - size / 2, place + size / 2);
    const there = shown.filter((item) => item.from === place);
    select(there.find((item) => item.role) ?? there[0] ?? null, true);
    return true;
  };
  const evidence = () => {
    const worst = toEvidence();
    if (worst) link(worst);
  };
  const toEvidence = () => {
    const all = items.filter((item) => item.role);
    if (!all.length) return null;
    const around = all.filter((item) => item.is !== 'region');
    const some = around.length ? around : all;
    // A run may go on for long before what was done to it shows.
    const led = some.filter((item) => item.role === 'led to it');
    const shownFirst = led.length ? led : some;
    const left = Math.min(...shownFirst.map((item) => item.from));
    const right = Math.max(...shownFirst.map((item) => item.to ?? item.from));
    const room = Math.max((right - left) * 0.25, whole / 1e5);
    look(left - room, right + room);
    const worst = some.filter((item) => item.tone === 'wrong' && item.is !== 'arrow');
    select(worst.at(-1) ?? some.at(-1), !led.length);
    return selected;
  };
  const found = (px, py) => {
    if (px < GUTTER || py < AXIS) return null;
    let best = null, nearest = 7;
    for (const item of shown) {
      let far = Infinity;
      if (item.is === 'bar' || item.is === 'region') {
        const lanes = item.is === 'bar' ? [item.lane] : item.lanes.length ? item.lanes : rows;
        const isIn = lanes.some((lane) => laneAt.has(lane) && py >= y(lane) && py < y(lane) + LANE);
        const right = item.to === null || item.to === undefined ? x(item.until ?? Math.max(to, end)) : x(item.to);
        if (isIn) far = Math.max(x(item.from) - px, px - right, 0) + (item.is === 'region' ? 6.5 : 1);
      } else if (item.is === 'mark') {
        if (laneAt.has(item.lane)) far = Math.hypot(x(item.from) - px, y(item.lane) + LANE / 2 - py) - 3;
      } else if (laneAt.has(item.lane) && laneAt.has(item.other)) {
        const [x1, y1, x2, y2] = [x(item.from), y(item.lane) + LANE / 2, x(item.to), y(item.other) + LANE / 2];
        const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
        const along = Math.min(Math.max(((px - x1) * (x2 - x1) + (py - y1) * (y2 - y1)) / (length || 1), 0), 1);
        far = Math.hypot(x1 + along * (x2 - x1) - px, y1 + along * (y2 - y1) - py) + 2;
      }
      if (far < nearest) { nearest = far; best = item; }
    }
    return best;
  };
  let drag = null;
  canvas.addEventListener('pointerdown', (event) => {
    drag = { x: event.offsetX, y: event.offsetY, from, to, top, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!drag) { canvas.title = found(event.offsetX, event.offsetY)?.text ?? ''; return; }
    const by = event.offsetX - drag.x, down = event.offsetY - drag.y;
    if (Math.abs(by) + Math.abs(down) < 4 && !drag.moved) return;
    drag.moved = true;
    const time = by / (width - GUTTER - 2 * EDGE) * (drag.to - drag.from);
    top = drag.top;
    scroll(-down);
    look(drag.from - time, drag.to - time);
  });
  canvas.addEventListener('pointerup', (event) => {
    if (drag && !drag.moved) choose(found(event.offsetX, event.offsetY), false);
    drag = null;
  });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    if (event.shiftKey) scroll(event.deltaY || event.deltaX);
    else zoom(Math.exp(event.deltaY / 400), at(event.offsetX));
  }, { passive: false });
  const KEYS = {
    '+': () => zoom(0.7), '=': () => zoom(0.7), '-': () => zoom(1 / 0.7), '0': fit, 'e': evidence,
    'n': () => step(1), 'p': () => step(-1), 'ArrowUp': () => scroll(-LANE), 'ArrowDown': () => scroll(LANE),
    'ArrowLeft': () => look(from - (to - from) / 5, to - (to - from) / 5),
    'ArrowRight': () => look(from + (to - from) / 5, to + (to - from) / 5),
    'Escape': () => choose(null, false),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = ['INPUT', 'SELECT'].includes(event.target.tagName);
    if (event.key === '/' && !isTyping) { event.preventDefault(); $('search').focus(); return; }
    const isArrow = event.key.startsWith('Arrow');
    if (isTyping || !KEYS[event.key] || (isArrow && event.target !== canvas)) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  // The table.
  const table = () => {
    const body = $('table');
    body.replaceChildren();
    for (const item of shown.slice(first, first + ROWS)) {
      const row = body.insertRow();
      row.item = item;
      if (item.tone === 'wrong') row.className = 'evidence';
      const isOpen = item.to === null || item.to === undefined;
      const cells = [when(item.from), isOpen ? '–' : when(item.to), laneName(item), item.text, outcome(item),
        (item.keys ?? []).map((key) => page.keys[key]).join(', ')];
      for (const cell of cells) row.insertCell().textContent = cell;
      row.addEventListener('click', () => choose(item, true));
    }
    const lastRow = Math.min(first + ROWS, shown.length);
    $('rows').textContent = shown.length ? `${first + 1} to ${lastRow} of ${shown.length}` : 'nothing';
    $('earlier').disabled = first === 0;
    $('later').disabled = lastRow >= shown.length;
  };
  $('earlier').addEventListener('click', () => { first = Math.max(first - ROWS, 0); table(); });
  $('later').addEventListener('click', () => { first += ROWS; table(); });

  // What stands around them.
  document.title = page.title;
  $('title').textContent = page.title;
  $('verdict').textContent = page.verdict;
  $('verdict').dataset.word = page.verdict;
  $('summary').textContent = page.summary;
  for (const note of page.notes) $('notes').appendChild(document.createElement('li')).textContent = note;
  $('text').textContent = page.text.join('\n');
  $('evidence-section').hidden = !page.text.length;
  $('key-label').hidden = !page.keys.length;
  const option = (list, value, text) => {
    const option = list.appendChild(document.createElement('option'));
    option.value = value;
    option.textContent = text;
  };
  for (const key of page.keys) option($('key'), key, key);
  const layers = { bar: 'operations', arrow: 'arrows', mark: 'events', region: 'faults' };
  option($('layer'), '', 'everything');
  for (const [is, name] of Object.entries(layers)) if (items.some((item) => item.is === is)) option($('layer'), is, name);
  if (items.some((item) => item.role)) option($('layer'), 'evidence', 'evidence');
  const used = new Set(items.map((item) => item.tone));
  for (const [tone, [name, words]] of Object.entries(TONES)) {
    if (!used.has(tone)) continue;
    const entry = $('legend').appendChild(document.createElement('li'));
    entry.appendChild(document.createElement('span')).style.background = `var(${name})`;
    entry.append(words);
  }
  if (items.some((item) => item.point !== null && item.point !== undefined)) {
    const entry = $('legend').appendChild(document.createElement('li'));
    const stroke = entry.appendChild(document.createElement('span'));
    stroke.style.background = 'var(--point)';
    stroke.style.width = '3px';
    entry.append('where it takes effect');
  }
  $('tools').addEventListener('submit', (event) => event.preventDefault());
  $('search').addEventListener('input', filter);
  $('key').addEventListener('change', filter);
  $('layer').addEventListener('change', filter);
  $('in').addEventListener('click', () => zoom(0.7));
  $('out').addEventListener('click', () => zoom(1 / 0.7));
  $('fit').addEventListener('click', fit);
  $('evidence').addEventListener('click', evidence);
  $('evidence').hidden = !items.some((item) => item.role);
  $('theme').addEventListener('click', () => {
    const isDark = getComputedStyle(document.documentElement).getPropertyValue('--ground').trim() === '#0d1117';
    document.documentElement.dataset.theme = isDark ? 'light' : 'dark';
    resize();
  });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', resize);
  // Paper is white, and waits for no frame.
  window.matchMedia('print').addEventListener('change', () => { resize(); paint(); });
  window.addEventListener('resize', resize);
  // A scroll bar that comes or goes takes room, too.
  new ResizeObserver(() => { if (canvas.clientWidth !== width) resize(); }).observe(canvas);
  window.addEventListener('hashchange', follow);
  filter();
  fit();
  if (!follow()) toEvidence();
})();

'use strict';
// Asks for /status every second and shows what happened since the last answer. Everything from the
// gateway is put in as text, never as HTML. Dates are the gateway's own.
(() => {
  const kPoll_ms = 1000;
  const kPoints = 120;
  const kNodesDrawn = 24;
  const kNodesListed = 200;
  const kDecisionsListed = 60;
  const byId = (id) => document.getElementById(id);
  const put = (id, text) => { byId(id).textContent = text; };

  function number(value) {
    if (value === null || !Number.isFinite(value)) return '–';
    const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
    return value.toLocaleString('en', { maximumFractionDigits: digits });
  }
  function seconds(s) {
    if (s === null || !Number.isFinite(s)) return '–';
    if (s < 1e-3) return `${number(s * 1e6)} µs`;
    return s < 1 ? `${number(s * 1e3)} ms` : `${number(s)} s`;
  }
  const span = (s) => {
    if (s < 90) return `${Math.max(0, Math.round(s))} s`;
    if (s < 5400) return `${Math.round(s / 60)} min`;
    return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
  };
  const percent = (share) => (share === null ? '–' : `${number(100 * share)} %`);
  const sum = (things, pick) => things.reduce((total, thing) => total + pick(thing), 0);
  const failedOf = (c) => sum(Object.values(c.failed), (count) => count);

  // Requests answered well between two answers, as [upper bound, count] in rising order.
  function window_buckets(now, before) {
    const counts = new Map();
    const add = (status, sign) => {
      for (const c of status.classes) {
        for (const [upper, count] of c.latency.buckets) {
          counts.set(upper, (counts.get(upper) || 0) + sign * count);
        }
      }
    };
    add(now, 1);
    add(before, -1);
    return [...counts].filter(([, count]) => count > 0).sort((a, b) => a[0] - b[0]);
  }

  // Evenly spread within a bucket, which begins no lower than 8/9 of its upper bound.
  function quantile(buckets, q) {
    const rank = q * sum(buckets, ([, count]) => count);
    let seen = 0;
    let below = 0;
    for (const [upper, count] of buckets) {
      if (seen + count >= rank) {
        const lower = Math.max(below, upper * 8 / 9);
        return lower + (upper - lower) * (rank - seen) / count;
      }
      seen += count;
      below = upper;
    }
    return null;
  }

  function compare(now, before) {
    const elapsed = now.now_s - before.now_s;
    const rate = (pick) => Math.max(0, pick(now) - pick(before)) / elapsed;
    const well = rate((s) => sum(s.classes, (c) => c.answered_well));
    const failed = rate((s) => sum(s.classes, failedOf));
    const buckets = window_buckets(now, before);
    return {
      well,
      failed,
      good: well + failed > 0 ? well / (well + failed) : null,
      retries: rate((s) => s.router.retries),
      p50: quantile(buckets, 0.5),
      p95: quantile(buckets, 0.95),
      p99: quantile(buckets, 0.99),
    };
  }

  // Charts.

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const count_draws = {
    id: 'count_draws',
    afterDraw: (chart) => {
      const canvas = chart.canvas;
      canvas.dataset.draws = Number(canvas.dataset.draws || 0) + 1;
    },
  };
  const charts = {};

  function make_chart(id, type, series, options) {
    charts[id] = new Chart(byId(id), {
      type,
      data: {
        labels: [],
        datasets: series.map(([label, tone]) => ({
          label, tone, data: [], borderWidth: type === 'line' ? 2 : 0, pointRadius: 0, tension: 0.2,
          borderRadius: 3, maxBarThickness: 28, borderColor: colour(tone), backgroundColor: colour(tone),
        })),
      },
      options: {
        animation: false, responsive: true, maintainAspectRatio: false,
        interaction: { mode: 'index', intersect: false },
        plugins: {
          legend: { display: series.length > 1, align: 'end', labels: { boxWidth: 12, boxHeight: 2 } },
        },
        scales: {
          x: { grid: { display: false }, ticks: { maxTicksLimit: type === 'line' ? 6 : kNodesDrawn, maxRotation: type === 'line' ? 0 : 45 } },
          y: { beginAtZero: true, grace: '5%', ticks: { maxTicksLimit: 6 }, ...options },
        },
      },
      plugins: [count_draws],
    });
  }

  function paint() {
    for (const chart of Object.values(charts)) {
      for (const axis of Object.values(chart.options.scales)) {
        axis.ticks.color = colour('--faint');
        axis.grid.color = colour('--line');
        axis.grid.borderColor = colour('--line');
      }
      chart.options.plugins.legend.labels.color = colour('--ink');
      for (const series of chart.data.datasets) {
        series.borderColor = colour(series.tone);
        series.backgroundColor = colour(series.tone);
      }
      chart.update();
    }
  }

  function push(chart, label, values) {
    chart.data.labels.push(label);
    chart.data.datasets.forEach((series, i) => series.data.push(values[i]));
    if (chart.data.labels.length > kPoints) {
      chart.data.labels.shift();
      chart.data.datasets.forEach((series) => series.data.shift());
    }
    chart.update();
  }

  // The busiest, in the gateway's order.
  function drawn_nodes(nodes) {
    if (nodes.length <= kNodesDrawn) return nodes;
    const busiest = [...nodes].sort((a, b) => (b.cpu || 0) - (a.cpu || 0) || b.under_way - a.under_way);
    return busiest.slice(0, kNodesDrawn).sort((a, b) => a.id - b.id);
  }

  function draw_nodes(nodes) {
    const drawn = drawn_nodes(nodes);
    const part = drawn.length < nodes.length ? `, the busiest ${drawn.length}` : '';
    put('cpu-unit', `percent${part}`);
    put('load-unit', `attempts${part}`);
    const show = (chart, values) => {
      chart.data.labels = drawn.map((node) => node.name);
      chart.data.datasets[0].data = values;
      chart.update();
    };
    show(charts.cpu, drawn.map((node) => (node.cpu === null ? null : 100 * node.cpu)));
    show(charts.load, drawn.map((node) => node.under_way));
  }

  // Lists.

  function element(tag, text, name) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (name) made.className = name;
    return made;
  }
  function cell(row, text, name) {
    row.append(element('td', text, name));
    return row.lastChild;
  }
  function replace(id, things, make, nothing) {
    const list = byId(id);
    if (things.length > 0) return list.replaceChildren(...things.map(make));
    const empty = list.tagName === 'OL' ? element('li', nothing, 'nothing') : element('tr');
    if (list.tagName !== 'OL') cell(empty, nothing, 'nothing').colSpan = 10;
    list.replaceChildren(empty);
  }

  function node_row(node, before, elapsed) {
    const row = element('tr');
    row.dataset.node = node.name;
    const place = node.zone ? `${node.address} · zone ${node.zone}` : node.address;
    cell(row, node.name).append(element('small', place));
    const state = node.state === 'up' && node.ejected ? 'ejected' : node.state;
    cell(row).append(element('span', state, `state ${state}`));
    cell(row, node.services.join(', '), 'wrap');
    cell(row, percent(node.cpu), 'number');
    cell(row, percent(node.memory), 'number');
    cell(row, number(node.under_way), 'number');
    cell(row, number(node.queue), 'number');
    const known = before && before.incarnation === node.incarnation;
    const attempts = known ? Math.max(0, node.attempts - before.attempts) : 0;
    const failures = known ? Math.max(0, node.failures - before.failures) : 0;
    cell(row, known ? number(attempts / elapsed) : '–', 'number');
    cell(row, attempts > 0 ? percent(failures / attempts) : '–', 'number');
    cell(row, node.report_age_s === null ? '–' : `${span(node.report_age_s)} ago`, 'number');
    return row;
  }

  function decision_item(decision) {
    const item = element('li');
    // Of an agent it is the number of a place, which the note has by name.
    const hasValue = decision.value && !decision.subject.startsWith('agent:');
    const value = hasValue ? ` (${number(decision.value)})` : '';
    item.append(element('time', `${span(decision.age_s)} ago`),
      element('b', decision.action.replaceAll('_', ' ')), element('span', decision.subject + value));
    const outcome = decision.outcome === 'done' ? '' : decision.outcome;
    const why = [decision.family, decision.seen, decision.reason, outcome, decision.note];
    item.append(element('small', why.filter(Boolean).join(' · ')));
    return item;
  }

  function service_row(service) {
    const row = element('tr');
    cell(row, service.name);
    cell(row, service.balancer, 'wrap');
    const state = service.panic ? 'panic' : 'up';
    cell(row).append(element('span', service.panic ? 'panic' : 'fine', `state ${state}`));
    return row;
  }

  // The control plane.

  function pool_row(pool) {
    const row = element('tr');
    cell(row, pool.pool);
    cell(row, number(pool.ready), 'number');
    cell(row, number(pool.target_capacity), 'number');
    cell(row, number(pool.provisioning), 'number');
    cell(row, number(pool.draining), 'number');
    cell(row, `${pool.minimum} to ${pool.maximum}`, 'number');
    const { mean_per_s, is_trusted } = pool.predictions;
    cell(row, is_trusted ? number(mean_per_s) : '–', 'number');
    return row;
  }
  // In the unit that its name tells.
  function amount(name, value) {
    if (/time/.test(name)) return seconds(value);
    if (/throughput/.test(name)) return value === null ? '–' : `${number(value)} /s`;
    return /utilization|availability|rate/.test(name) ? percent(value) : number(value);
  }
  function target_row(target) {
    const row = element('tr');
    cell(row, target.name.replaceAll('_', ' '));
    cell(row, amount(target.name, target.target), 'number');
    cell(row, amount(target.name, target.current), 'number');
    cell(row, percent(target.compliance), 'number');
    cell(row, target.trend.direction);
    return row;
  }
  function alert_item(alert) {
    const item = element('li');
    item.append(element('time', `${span(alert.age_s)} ago`), element('b', alert.level),
      element('span', alert.metric.replaceAll('_', ' ') + (alert.node ? ` of ${alert.node}` : '')));
    return item;
  }
  function show_control(control) {
    byId('control').hidden = !control;
    if (!control) return;
    const advice = control.performance.scaling_recommendations;
    put('pools-note', `${advice.action.replaceAll('_', ' ')}: ${advice.reason.replaceAll('_', ' ')}`);
    const { tried, kept, undone } = control.tuning;
    put('tuning-note', tried > 0 ? `knobs: ${tried} turned, ${kept} kept, ${undone} turned back` : '');
    replace('pools', control.scaling, pool_row, 'none');
    replace('targets', control.performance.target_compliance.targets, target_row, 'none');
    replace('alerts', control.alerts, alert_item, 'no alert rings');
  }

  // Answers.

  function show_facts(now) {
    document.title = `${now.name} · Phoenix gateway`;
    put('name', now.name);
    const state = byId('state');
    state.textContent = now.draining ? 'draining' : 'serving';
    state.className = `badge ${now.draining ? 'draining' : 'up'}`;
    put('facts', `up ${span(now.uptime_s)} · ${now.threads} thread${now.threads === 1 ? '' : 's'} · ` +
      `version ${now.version}`);
    put('open', number(now.open_requests));
    put('connections', number(now.http.listener.open + now.frames.listener.open));
    const { written, dropped, error } = now.record;
    put('record', error ? `Record: ${error} (${number(dropped)} rows dropped)` :
      written + dropped > 0 ? `Record: ${number(written)} rows written, ${number(dropped)} dropped` : '');
  }

  function show_change(now, before) {
    const change = compare(now, before);
    put('rate', number(change.well + change.failed));
    put('good', percent(change.good));
    put('retries', number(change.retries));
    for (const name of ['p50', 'p95', 'p99']) put(name, seconds(change[name]));
    const label = new Date().toLocaleTimeString('en-GB');
    push(charts.throughput, label, [change.well, change.failed]);
    const ms = (s) => (s === null ? null : s * 1e3);
    push(charts.latency, label, [ms(change.p50), ms(change.p95), ms(change.p99)]);
  }

  function show_lists(now, before) {
    const earlier = new Map((before ? before.nodes : []).map((node) => [node.name, node]));
    const elapsed = before ? now.now_s - before.now_s : 1;
    const up = now.nodes.filter((node) => node.state === 'up' && !node.ejected).length;
    const more = now.nodes.length - kNodesListed;
    put('nodes-note', `${up} of ${now.nodes.length} up` + (more > 0 ? `, ${more} not listed` : ''));
    replace('nodes', now.nodes.slice(0, kNodesListed),
      (node) => node_row(node, earlier.get(node.name), elapsed), 'none yet');
    replace('services', now.services, service_row, 'none');
    replace('decisions', now.decisions.slice(-kDecisionsListed).reverse(), decision_item, 'none yet');
    draw_nodes(now.nodes);
    show_control(now.control);
  }

  function say(trouble) {
    const line = byId('trouble');
    line.hidden = !trouble;
    if (line.textContent !== trouble) line.textContent = trouble;
    if (!trouble) return;
    byId('state').textContent = 'not reached';
    byId('state').className = 'badge down';
  }

  let before = null;
  async function poll() {
    try {
      const answer = await fetch('status', { cache: 'no-store', signal: AbortSignal.timeout(10 * kPoll_ms) });
      if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
      const now = await answer.json();
      if (before && now.uptime_s < before.uptime_s) before = null;  // another process
      say('');
      show_facts(now);
      show_lists(now, before);
      if (before && now.now_s > before.now_s) show_change(now, before);
      before = now;
      document.body.dataset.updates = Number(document.body.dataset.updates || 0) + 1;
    } catch (problem) {
      say(`What is below is old: ${problem.message}. Trying again.`);
    }
    setTimeout(poll, kPoll_ms);
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  make_chart('throughput', 'line', [['answered well', '--blue'], ['failed', '--red']]);
  make_chart('latency', 'line', [['p50', '--green'], ['p95', '--amber'], ['p99', '--red']]);
  make_chart('cpu', 'bar', [['CPU', '--blue']], { max: 100, grace: 0 });
  make_chart('load', 'bar', [['under way', '--green']], { ticks: { precision: 0, maxTicksLimit: 6 } });
  paint();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  poll();
})();

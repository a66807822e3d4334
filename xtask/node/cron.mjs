// When a cron trigger is due. Nothing runs them locally, so the development
// server does. Minute, hour, day of month, month, day of week, in UTC, each a
// list of `*`, `n`, `a-b`, with `/step`; Cloudflare's days of the week count
// from 1 (Sunday). Its extensions (L, W, #, names) are refused, not guessed.

const FIELDS = [
  { name: "minute", min: 0, max: 59, of: (at) => at.getUTCMinutes() },
  { name: "hour", min: 0, max: 23, of: (at) => at.getUTCHours() },
  { name: "day of month", min: 1, max: 31, of: (at) => at.getUTCDate() },
  { name: "month", min: 1, max: 12, of: (at) => at.getUTCMonth() + 1 },
  { name: "day of week", min: 1, max: 7, of: (at) => at.getUTCDay() + 1 },
];

/**
 * Parses an expression.
 *
 * @param {string} expression
 * @returns {(at: Date) => boolean} whether it is due in the minute of `at`
 */
export function parseCron(expression) {
  const parts = expression.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) throw new Error(`cron \`${expression}\` does not have five fields`);
  const sets = parts.map((part, index) => parseField(expression, part, FIELDS[index]));
  return (at) => FIELDS.every((field, index) => sets[index].has(field.of(at)));
}

function parseField(expression, text, field) {
  const values = new Set();
  for (const item of text.split(",")) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(item);
    if (match === null) throw new Error(`cron \`${expression}\`: cannot read \`${item}\` as ${field.name}`);
    const [, from, to, step] = match;
    const first = from === undefined ? field.min : Number(from);
    // `5/10` means from 5 on; `5` alone means just 5.
    const last = to !== undefined ? Number(to) : from === undefined || step !== undefined ? field.max : first;
    const stride = step === undefined ? 1 : Number(step);
    if (first < field.min || last > field.max || first > last || stride === 0) {
      throw new Error(`cron \`${expression}\`: \`${item}\` is out of range for ${field.name}`);
    }
    for (let value = first; value <= last; value += stride) values.add(value);
  }
  return values;
}

/**
 * Calls `run(cron, scheduledTime)` for each expression whenever it is due.
 *
 * @param {string[]} expressions
 * @param {(cron: string, scheduledTime: Date) => Promise<void>} run
 * @returns {() => void} stops it
 */
export function startCrons(expressions, run) {
  const crons = expressions.map((expression) => ({ expression, isDue: parseCron(expression) }));
  let timer;
  const wait = () => {
    // A little late, since a timer that fires early would find the minute before.
    const untilNextMinute = 60_000 - (Date.now() % 60_000) + 50;
    timer = setTimeout(async () => {
      const at = new Date(Math.floor(Date.now() / 60_000) * 60_000);
      wait();
      for (const { expression, isDue } of crons) if (isDue(at)) await run(expression, at);
    }, untilNextMinute);
  };
  wait();
  return () => clearTimeout(timer);
}

// Credits as tests reckon with them: whole millicredits. Every amount in the
// tests is far below 2^53, so that numbers are exact.

/** `"12.5"` is 12500 millicredits. */
export function millicredits(text) {
  const match = /^(-?)(\d+)(?:\.(\d{1,3}))?$/.exec(String(text));
  if (match === null) throw new Error(`\`${text}\` is not an amount of credits`);
  const [, sign, whole, fraction = ""] = match;
  const amount = Number(whole + fraction.padEnd(3, "0"));
  if (!Number.isSafeInteger(amount)) throw new Error(`\`${text}\` is too large to be reckoned with here`);
  return sign === "-" ? -amount : amount;
}

/** 12500 millicredits are `"12.5"`. */
export function credits(amount) {
  const digits = String(Math.abs(amount)).padStart(4, "0");
  const text = `${digits.slice(0, -3)}.${digits.slice(-3)}`.replace(/\.?0+$/, "");
  return amount < 0 ? `-${text}` : text;
}

/** What tests that set their own prices pay: a credit for a token in, two for a token out. */
export const PRICE = { input: "1", output: "2" };

/** What a call costs at that price. */
export function cost(inputTokens, outputTokens) {
  return 1000 * inputTokens + 2000 * outputTokens;
}

export function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

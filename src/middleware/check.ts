/** @throws TypeError unless an option is a number above 0. */
export function checkPositive(option: string, value: number): void {
  if (!(value > 0)) throw new TypeError(`${option} must be a number above 0, not ${value}`)
}

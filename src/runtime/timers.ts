/** The longest a timer can wait, in milliseconds: some 25 days. Those that are to wait longer fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

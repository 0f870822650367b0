const FLEETING = new WeakSet<object>()

/** Mark a list as good for this once only: it is one caller's own, or a part of it could not be had. */
export function fleeting<T extends readonly unknown[]>(list: T): T {
  FLEETING.add(list)
  return list
}

/** Whether a list may not be kept for the next who asks. */
export function isFleeting(list: readonly unknown[]): boolean {
  return FLEETING.has(list)
}

/** How many slots there are at first; always a power of two. */
const INITIAL_SLOTS = 8

/** The last number that was given out. */
let lastNumber = 0

/**
 * Values that come and go, each by a number that is unique in the process and never given out again. A `Map` does the
 * same, but the tables that it outgrows keep each other alive once they are old, and with them the values that were in
 * them: where a value comes and goes with every call, that is most of the work of the garbage collector.
 */
export class SlotMap<T> {
  /** The number in each slot, 0 where it is empty; beside it the value. */
  #numbers: number[] = new Array<number>(INITIAL_SLOTS).fill(0)
  #values: (T | undefined)[] = new Array<T | undefined>(INITIAL_SLOTS).fill(undefined)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds a value. Returns its number, an integer greater than all before. */
  add(value: T): number {
    if (this.#size * 2 >= this.#numbers.length) this.#grow()
    do lastNumber += 1
    while (this.#numbers[this.#slotOf(lastNumber)] !== 0)
    this.#put(lastNumber, value)
    this.#size += 1
    return lastNumber
  }

  /** Returns the value with a number, `undefined` for anything else. */
  get(number: unknown): T | undefined {
    if (typeof number !== 'number' || number === 0) return undefined
    const slot = this.#slotOf(number)
    return this.#numbers[slot] === number ? this.#values[slot] : undefined
  }

  delete(number: number): void {
    if (this.get(number) === undefined) return
    this.#numbers[this.#slotOf(number)] = 0
    this.#values[this.#slotOf(number)] = undefined
    this.#size -= 1
  }

  values(): T[] {
    return this.#values.filter((value) => value !== undefined)
  }

  #put(number: number, value: T): void {
    const slot = this.#slotOf(number)
    this.#numbers[slot] = number
    this.#values[slot] = value
  }

  #slotOf(number: number): number {
    return number & (this.#numbers.length - 1)
  }

  #grow(): void {
    const [numbers, values] = [this.#numbers, this.#values]
    this.#numbers = new Array<number>(numbers.length * 2).fill(0)
    this.#values = new Array<T | undefined>(numbers.length * 2).fill(undefined)
    for (const [at, number] of numbers.entries()) if (number !== 0) this.#put(number, values[at] as T)
  }
}

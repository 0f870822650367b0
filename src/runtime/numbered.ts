/** How many places there are at first; always a power of two. */
const PLACES = 8

/**
 * Things that come and go, found by the numbers they are given, which are never given twice. A `Map` does the same, but
 * the tables that it outgrows keep one another alive once they are old, and with them all that was in them: where much
 * comes and goes, that is most of what the garbage collector has to do.
 */
export class Numbered<T> {
  #places: ({ readonly number: number; readonly value: T } | undefined)[] = places(PLACES)
  #last = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Take something in. Gives its number: an integer, greater than all before. */
  add(value: T): number {
    if (this.#size * 2 >= this.#places.length) this.#grow()
    let number = this.#last + 1
    while (this.#places[this.#at(number)] !== undefined) number += 1
    this.#places[this.#at(number)] = { number, value }
    this.#size += 1
    return (this.#last = number)
  }

  /** What has a number; `undefined` for any other value. */
  get(number: unknown): T | undefined {
    if (typeof number !== 'number') return undefined
    const found = this.#places[this.#at(number)]
    return found?.number === number ? found.value : undefined
  }

  delete(number: number): void {
    if (this.#places[this.#at(number)]?.number !== number) return
    this.#places[this.#at(number)] = undefined
    this.#size -= 1
  }

  values(): T[] {
    return this.#places.flatMap((place) => (place === undefined ? [] : [place.value]))
  }

  #at(number: number): number {
    return number & (this.#places.length - 1)
  }

  #grow(): void {
    const before = this.#places
    this.#places = places(before.length * 2)
    for (const place of before) if (place !== undefined) this.#places[this.#at(place.number)] = place
  }
}

function places<T>(count: number): (T | undefined)[] {
  return new Array<T | undefined>(count).fill(undefined)
}

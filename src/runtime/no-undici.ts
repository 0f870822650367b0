/** Stands for `undici` where there is no Node: nothing asks for it there. */
export const Agent = undefined

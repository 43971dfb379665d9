// How many streams a shadow begins with, before it is known what one costs. Control asks for so many, the thread corrects it.

/** Streams per second: each may cost half a millisecond. */
export const firstPace = (cpuPercent: number): number => cpuPercent * 20;

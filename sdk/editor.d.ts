// For editors only: decorators that the build reads. asc is told about them by the build's transform.
declare function config(target: unknown): void;
declare function range(low: number | string, high: number | string): (target: unknown, key: string) => void;
declare function values(...all: string[]): (target: unknown, key: string) => void;

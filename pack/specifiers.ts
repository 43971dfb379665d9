// In the repository the two packages reach each other by relative paths; published, they are neighbours in node_modules.
// Rewrites those specifiers in emitted JavaScript and declarations.
const FROM = /((?:from|import)\s*\(?\s*")(?:\.\.\/)+((?:sdk|host)\/[^"]+)(")/g;

/** The name a package's door has for a file of the other package. @throws when the file is behind no door */
export function doorOf(path: string): string {
  const abi = /^sdk\/assembly\/abi\/(.+)\.js$/.exec(path);
  if (abi !== null) return `@sluice/sdk/abi/${abi[1]}`;
  if (path === "sdk/build/index.js") return "@sluice/sdk/build";
  if (path === "host/testing.js") return "sluice/testing";
  throw new Error(`${path} is behind no door of its package`);
}

/** @param own the package's own top folder, whose relative imports stay: `host` or `sdk` */
export function toPublished(text: string, own: "host" | "sdk"): string {
  return text.replace(FROM, (whole, head: string, path: string, quote: string) => {
    if (path.startsWith(`${own}/`)) return whole;
    return `${head}${doorOf(path.replace(/\.ts$/, ".js"))}${quote}`;
  });
}

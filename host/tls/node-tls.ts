// The door to node:tls: opened when the first listener or cluster has TLS, so that a proxy without pays nothing.

export type NodeTls = typeof import("node:tls");

export const nodeTls = (): NodeTls => process.getBuiltinModule("node:tls");

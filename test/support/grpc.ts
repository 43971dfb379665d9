// A gRPC server by another hand (grpc-js) for the interop tests: one generic service whose messages are bytes, and whose
// behaviour is handed in per method. Plus raw HTTP/2 servers for what no gRPC server does.
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import {
  Server,
  ServerCredentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from "@grpc/grpc-js";

export type Unary = ServerUnaryCall<Buffer, Buffer>;
export type Duplex = ServerDuplexStream<Buffer, Buffer>;

export interface Methods {
  readonly Say?: handleUnaryCall<Buffer, Buffer>;
  readonly Pour?: handleServerStreamingCall<Buffer, Buffer>;
  readonly Gather?: handleClientStreamingCall<Buffer, Buffer>;
  readonly Talk?: handleBidiStreamingCall<Buffer, Buffer>;
}

const same = (bytes: Buffer): Buffer => bytes;
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const SERVICE = {
  Say: method("Say", false, false),
  Pour: method("Pour", false, true),
  Gather: method("Gather", true, false),
  Talk: method("Talk", true, true),
};

export interface GrpcServer extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
}

export async function grpcServer(methods: Methods, port = 0): Promise<GrpcServer> {
  const server = new Server({ "grpc.max_receive_message_length": 8 * 1024 * 1024 });
  server.addService(SERVICE, { ...methods });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port: bound,
    server,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

export interface RawServer extends AsyncDisposable {
  readonly port: number;
  readonly server: Http2Server;
  readonly sessions: ServerHttp2Session[];
}

/** An HTTP/2 server without any gRPC; set `server.on("stream", ...)`. */
export async function rawHttp2(settings: object = {}): Promise<RawServer> {
  const server = createHttp2Server({ settings });
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream) => stream.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    server,
    sessions,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

// Answers of upstreams as data: what the upstream sends to one GET, and what must become of it. One table for the proxy on
// real sockets and for the comparison with Node's parser.
//
//   refused   nothing of it reaches the client: 502, UPE
//   reset     the connection ended before a head was complete: 503, UC
//   cut       a head was passed on, then the client's connection is broken off: never a complete-looking answer
//   whole     the client gets it all

export type Outcome = "refused" | "reset" | "cut" | "whole";

export interface ResponseVector {
  readonly name: string;
  readonly text: string;
  readonly outcome: Outcome;
  /** Default GET. */
  readonly method: "GET" | "HEAD";
  /** The upstream sends FIN behind the text. */
  readonly closes: boolean;
  /** Of a whole answer. */
  readonly body: string;
  /** Of a whole answer: the upstream connection may serve again. */
  readonly kept: boolean;
}

const PLAIN = { method: "GET", closes: false, body: "", kept: false } as const;
const OK = "HTTP/1.1 200 OK\r\n";
const LENGTH = "Content-Length: 2\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";

const refused = (name: string, text: string): ResponseVector => ({ ...PLAIN, name, text, outcome: "refused" });
const line = (name: string, text: string): ResponseVector =>
  refused(`status line: ${name}`, `${text}\r\n${LENGTH}\r\nok`);
const field = (name: string, lines: string): ResponseVector => refused(name, `${OK}${lines}\r\nok`);
const length = (name: string, value: string): ResponseVector =>
  refused(`Content-Length ${name}`, `${OK}Content-Length:${value}\r\n\r\nok`);
const coding = (name: string, value: string): ResponseVector =>
  refused(`Transfer-Encoding ${name}`, `${OK}Transfer-Encoding:${value}\r\n\r\n2\r\nok\r\n0\r\n\r\n`);
const cut = (name: string, rest: string, closes = false): ResponseVector => ({
  ...PLAIN,
  name,
  text: OK + rest,
  outcome: "cut",
  closes,
});
const chunks = (name: string, body: string, closes = false): ResponseVector =>
  cut(`chunked body: ${name}`, `${CHUNKED}\r\n${body}`, closes);
const reset = (name: string, text: string): ResponseVector => ({
  ...PLAIN,
  name,
  text,
  outcome: "reset",
  closes: true,
});
const whole = (name: string, text: string, more: Partial<ResponseVector> = {}): ResponseVector => ({
  ...PLAIN,
  name,
  text,
  outcome: "whole",
  body: "ok",
  kept: true,
  ...more,
});

export const RESPONSE_VECTORS: readonly ResponseVector[] = [
  // not a status line of HTTP/1
  refused("greeting of SMTP", "220 mail ESMTP\r\n\r\n"),
  refused("greeting of SSH", "SSH-2.0-OpenSSH\r\n\r\n"),
  refused("a line and an empty line", "hello\r\n\r\n"),
  refused("one line without a line end like HTTP", "hello\r\n"),
  refused("a line with a bare LF", "hello\n"),
  refused("a TLS alert", "\x15\x03\x01\x00\x02\x02\x0a"),
  refused("an HTTP/2 SETTINGS frame", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
  refused("NULs", "\x00".repeat(100)),
  refused("an HTML page without a head", "<html><body>ok</body></html>"),
  refused("an HTTP/0.9 answer", "ok\n"),
  refused("an empty line first", `\r\n${OK}${LENGTH}\r\nok`),
  refused("white space first", ` ${OK}${LENGTH}\r\nok`),
  refused("UTF-8 mark first", `\xef\xbb\xbf${OK}${LENGTH}\r\nok`),
  line("HTTP/2.0", "HTTP/2.0 200 OK"),
  line("HTTP/2", "HTTP/2 200 OK"),
  line("HTTP/1.2", "HTTP/1.2 200 OK"),
  line("HTTP/0.9", "HTTP/0.9 200 OK"),
  line("HTTP/1.10", "HTTP/1.10 200 OK"),
  line("HTTP/1.", "HTTP/1. 200 OK"),
  line("lower-case protocol", "http/1.1 200 OK"),
  line("another protocol", "ICY 200 OK"),
  line("RTSP", "RTSP/1.0 200 OK"),
  line("no status", "HTTP/1.1"),
  line("no status but a space", "HTTP/1.1 "),
  line("status of two digits", "HTTP/1.1 20 OK"),
  line("status of four digits", "HTTP/1.1 2000 OK"),
  line("status below 100", "HTTP/1.1 099 OK"),
  line("status 000", "HTTP/1.1 000 OK"),
  line("status above 599", "HTTP/1.1 600 OK"),
  line("status 999", "HTTP/1.1 999 OK"),
  line("status with letters", "HTTP/1.1 2xx OK"),
  line("negative status", "HTTP/1.1 -20 OK"),
  line("status with a plus", "HTTP/1.1 +20 OK"),
  line("hexadecimal status", "HTTP/1.1 0xC OK"),
  line("two spaces before the status", "HTTP/1.1  200 OK"),
  line("tab before the status", "HTTP/1.1\t200 OK"),
  line("tab behind the status", "HTTP/1.1 200\tOK"),
  line("reason without a space", "HTTP/1.1 200OK"),
  line("control character in the reason", "HTTP/1.1 200 O\x01K"),
  line("NUL in the reason", "HTTP/1.1 200 O\x00K"),
  line("DEL in the reason", "HTTP/1.1 200 O\x7fK"),
  line("bare CR in the reason", "HTTP/1.1 200 O\rK"),
  line("a request", "GET / HTTP/1.1"),
  // line ends
  refused("bare LF behind the status line", `HTTP/1.1 200 OK\n${LENGTH}\r\nok`),
  refused("bare LF everywhere", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
  refused("bare CR everywhere", "HTTP/1.1 200 OK\rContent-Length: 2\r\rok"),
  refused("bare LF as the empty line", `${OK}${LENGTH}\nok`),
  refused("CR CR LF behind a header", `${OK}Content-Length: 2\r\r\n\r\nok`),
  field("bare LF behind a header", `X: a\n${LENGTH}`),
  field("bare CR in a header", `X: a\rb\r\n${LENGTH}`),
  field("bare CR in front of Content-Length", `X: a\rContent-Length: 9\r\n${LENGTH}`),
  // fields
  field("folded header with a space", `X: a\r\n b\r\n${LENGTH}`),
  field("folded header with a tab", `X: a\r\n\tb\r\n${LENGTH}`),
  field("white space before the first header", ` X: a\r\n${LENGTH}`),
  field("space before the colon", `X : a\r\n${LENGTH}`),
  field("tab before the colon", `X\t: a\r\n${LENGTH}`),
  field("space before the colon of Content-Length", "Content-Length : 2\r\n"),
  field("space before the colon of Transfer-Encoding", "Transfer-Encoding : chunked\r\n"),
  field("line without a colon", `nonsense\r\n${LENGTH}`),
  field("empty name", `: a\r\n${LENGTH}`),
  field("space in a name", `X Y: a\r\n${LENGTH}`),
  field("high byte in a name", `X\xe9: a\r\n${LENGTH}`),
  field("NUL in a name", `X\x00: a\r\n${LENGTH}`),
  field("parenthesis in a name", `X(: a\r\n${LENGTH}`),
  field("pseudo header", `:status: 500\r\n${LENGTH}`),
  field("NUL in a value", `X: \x00\r\n${LENGTH}`),
  field("control character in a value", `X: a\x01\r\n${LENGTH}`),
  field("DEL in a value", `X: a\x7f\r\n${LENGTH}`),
  field("vertical tab in a value", `X: a\x0b\r\n${LENGTH}`),
  field("Connection nominates Content-Length", `Connection: content-length\r\n${LENGTH}`),
  field("Connection nominates what is no token", `Connection: a b\r\n${LENGTH}`),
  // lengths
  field("two Content-Lengths", "Content-Length: 2\r\nContent-Length: 3\r\n"),
  field("two equal Content-Lengths", "Content-Length: 2\r\nContent-Length: 2\r\n"),
  field("Content-Length three times", "Content-Length: 2\r\n".repeat(3)),
  field("Content-Length in two cases", "content-length: 2\r\nCONTENT-LENGTH: 2\r\n"),
  field("Content-Length and Transfer-Encoding", LENGTH + CHUNKED),
  field("Transfer-Encoding and Content-Length", CHUNKED + LENGTH),
  length("empty", ""),
  length("negative", " -2"),
  length("with a plus", " +2"),
  length("a list", " 2, 2"),
  length("a list of different ones", " 2, 3"),
  length("hexadecimal", " 0x2"),
  length("with a fraction", " 2.0"),
  length("with a space inside", " 2 2"),
  length("with letters behind", " 2a"),
  length("with a leading zero", " 02"),
  length("above 2^53", " 9007199254740993"),
  length("of 20 digits", " 18446744073709551616"),
  length("quoted", ' "2"'),
  // codings
  coding("empty", ""),
  coding("gzip", " gzip"),
  coding("identity", " identity"),
  coding("gzip, chunked", " gzip, chunked"),
  coding("chunked, gzip", " chunked, gzip"),
  coding("chunked, chunked", " chunked, chunked"),
  coding("chunked with a parameter", " chunked;q=1"),
  coding("with a comma behind", " chunked,"),
  coding("with an empty member", " ,chunked"),
  coding("misspelt", " xchunked"),
  coding("quoted", ' "chunked"'),
  coding("with a tab behind", " chunked\t"),
  coding("with a no-break space", " \xa0chunked"),
  field("two Transfer-Encodings", CHUNKED + CHUNKED),
  field("Transfer-Encoding twice, the second one unknown", `${CHUNKED}Transfer-Encoding: x\r\n`),
  refused("Transfer-Encoding on HTTP/1.0", `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n2\r\nok\r\n0\r\n\r\n`),
  // answers that have no body, with one
  refused("204 with a length", `HTTP/1.1 204 No Content\r\n${LENGTH}\r\nok`),
  refused("204 with chunks", `HTTP/1.1 204 No Content\r\n${CHUNKED}\r\n2\r\nok\r\n0\r\n\r\n`),
  refused("102 with a length", `HTTP/1.1 102 Processing\r\n${LENGTH}\r\nok${OK}${LENGTH}\r\nok`),
  refused("100 that ends the connection", `HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n${OK}${LENGTH}\r\nok`),
  refused("100 of HTTP/1.0", `HTTP/1.0 100 Continue\r\n\r\n${OK}${LENGTH}\r\nok`),
  refused("103 with chunks", `HTTP/1.1 103 Early Hints\r\n${CHUNKED}\r\n0\r\n\r\n${OK}${LENGTH}\r\nok`),
  // 1xx
  refused("101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
  refused("nine 1xx", "HTTP/1.1 102 Processing\r\n\r\n".repeat(9)),
  refused("a thousand 100", `${"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)}${OK}${LENGTH}\r\nok`),
  // size
  refused("101 headers", `${OK}${"X: a\r\n".repeat(101)}\r\n`),
  refused("a thousand headers", `${OK}${"X: a\r\n".repeat(1000)}\r\n`),
  refused("a header of 70 KiB", `${OK}X: ${"a".repeat(70_000)}\r\n\r\n`),
  refused("a reason of 70 KiB", `HTTP/1.1 200 ${"a".repeat(70_000)}\r\n\r\n`),
  refused("a head without an end", `${OK}${`X: ${"a".repeat(46)}\r\n`.repeat(1400)}`),
  // the connection ends too early
  reset("nothing", ""),
  reset("half a protocol", "HTT"),
  reset("half a status line", "HTTP/1.1 20"),
  reset("a status line", OK),
  reset("half a header", `${OK}X:`),
  reset("a head without its empty line", OK + LENGTH),
  reset("half an empty line", `${OK}${LENGTH}\r`),
  reset("a 100 and nothing more", "HTTP/1.1 100 Continue\r\n\r\n"),
  cut("Content-Length and no body", `${LENGTH}\r\n`, true),
  cut("half of Content-Length", `${LENGTH}\r\no`, true),
  cut("a large Content-Length cut short", `Content-Length: 9007199254740991\r\n\r\nok`, true),
  chunks("nothing", "", true),
  chunks("half a size", "2", true),
  chunks("half a chunk", "2\r\no", true),
  chunks("a chunk without its line end", "2\r\nok", true),
  chunks("no last chunk", "2\r\nok\r\n", true),
  chunks("half of the last chunk", "2\r\nok\r\n0\r\n", true),
  chunks("half a trailer", "2\r\nok\r\n0\r\nX: a", true),
  // bad chunks
  chunks("size is no number", "2\r\nok\r\nxyz\r\n"),
  chunks("size with 0x", "0x2\r\nok\r\n0\r\n\r\n"),
  chunks("negative size", "2\r\nok\r\n-1\r\n"),
  chunks("space behind the size", "2 \r\nok\r\n0\r\n\r\n"),
  chunks("size that overflows", "2\r\nok\r\nffffffffffffffff\r\n"),
  chunks("size of 14 digits", "00000000000002\r\nok\r\n0\r\n\r\n"),
  chunks("bare LF behind the size", "2\nok\r\n0\r\n\r\n"),
  chunks("bare LF behind the data", "2\r\nok\n0\r\n\r\n"),
  chunks("data longer than said", "2\r\nokay\r\n0\r\n\r\n"),
  chunks("data shorter than said", "3\r\nok\r\n0\r\n\r\n"),
  chunks("no line end behind the data", "2\r\nok0\r\n\r\n"),
  chunks("control character in an extension", "2;a=\x01\r\nok\r\n0\r\n\r\n"),
  chunks("extension of 5 000 bytes", `2;${"a".repeat(5000)}\r\nok\r\n0\r\n\r\n`),
  chunks("bare LF in an extension", "2;a\nok\r\n0\r\n\r\n"),
  chunks("bare LF as the end", "2\r\nok\r\n0\r\n\n"),
  chunks("trailer with a space before the colon", "2\r\nok\r\n0\r\nX : a\r\n\r\n"),
  chunks("folded trailer", "2\r\nok\r\n0\r\nX: a\r\n b\r\n\r\n"),
  chunks("trailer with NUL", "2\r\nok\r\n0\r\nX: \x00\r\n\r\n"),
  chunks("Content-Length as a trailer", "2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n"),
  chunks("Transfer-Encoding as a trailer", "2\r\nok\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
  chunks("33 trailers", `2\r\nok\r\n0\r\n${"X: a\r\n".repeat(33)}\r\n`),
  chunks("trailers of 20 KiB", `2\r\nok\r\n0\r\nX: ${"a".repeat(20_000)}\r\n\r\n`),
  chunks("trailers without an end", `2\r\nok\r\n0\r\n${`X: ${"a".repeat(100)}\r\n`.repeat(200)}`),
  // what is right, and what becomes of the connection
  whole("a length", `${OK}${LENGTH}\r\nok`),
  whole("chunks", `${OK}${CHUNKED}\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n`),
  whole("chunks with extensions and trailers", `${OK}${CHUNKED}\r\n2;a=b\r\nok\r\n0\r\nX: a\r\n\r\n`),
  whole("trailers that are dropped", `${OK}${CHUNKED}\r\n2\r\nok\r\n0\r\nSet-Cookie: a\r\nHost: b\r\n\r\n`),
  whole("until the end of the connection", `${OK}\r\nok`, { closes: true, kept: false }),
  whole("HTTP/1.0 until the end of the connection", "HTTP/1.0 200 OK\r\n\r\nok", { closes: true, kept: false }),
  whole("HTTP/1.0 with a length", `HTTP/1.0 200 OK\r\n${LENGTH}\r\nok`, { kept: false }),
  whole("HTTP/1.0 with keep-alive", `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${LENGTH}\r\nok`),
  whole("Connection: close", `${OK}Connection: close\r\n${LENGTH}\r\nok`, { kept: false }),
  whole("no reason", `HTTP/1.1 200\r\n${LENGTH}\r\nok`),
  whole("an empty reason", `HTTP/1.1 200 \r\n${LENGTH}\r\nok`),
  whole("a reason with high bytes", `HTTP/1.1 200 \xe9\xff\r\n${LENGTH}\r\nok`),
  whole("an empty answer", `${OK}Content-Length: 0\r\n\r\n`, { body: "" }),
  whole("204", "HTTP/1.1 204 No Content\r\n\r\n", { body: "" }),
  whole("204 with a length of 0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", { body: "" }),
  whole("304 with the length of what was not sent", `HTTP/1.1 304 Not Modified\r\n${LENGTH}\r\n`, { body: "" }),
  whole("HEAD with the length of what was not sent", `${OK}${LENGTH}\r\n`, { method: "HEAD", body: "" }),
  whole("HEAD with chunks that do not come", `${OK}${CHUNKED}\r\n`, { method: "HEAD", body: "" }),
  whole("a 100 first", `HTTP/1.1 100 Continue\r\n\r\n${OK}${LENGTH}\r\nok`),
  whole("eight 1xx first", `${"HTTP/1.1 102 Processing\r\n\r\n".repeat(8)}${OK}${LENGTH}\r\nok`),
  whole("bytes behind the length", `${OK}${LENGTH}\r\nokay`, { kept: false }),
  whole("an answer behind the answer", `${OK}${LENGTH}\r\nok${OK}${LENGTH}\r\nno`, { kept: false }),
  whole("bytes behind the last chunk", `${OK}${CHUNKED}\r\n2\r\nok\r\n0\r\n\r\nmore`, { kept: false }),
  whole("a body on 304", "HTTP/1.1 304 Not Modified\r\n\r\nok", { body: "", kept: false }),
  whole("a body on 204", "HTTP/1.1 204 No Content\r\n\r\nok", { body: "", kept: false }),
  whole("a body on HEAD", `${OK}${LENGTH}\r\nok`, { method: "HEAD", body: "", kept: false }),
  whole("names with an underscore", `${OK}x_y: a\r\n${LENGTH}\r\nok`),
  whole("high bytes in a value", `${OK}x-y: \xe9\xff\r\n${LENGTH}\r\nok`),
  whole("100 headers", `${OK}${"X: a\r\n".repeat(99)}${LENGTH}\r\nok`),
];

import { describe, expect, it } from "vitest";
import { HTTP_REQUEST_HEADERS, HTTP_RESPONSE_HEADERS, HTTP_RESPONSE_TRAILERS } from "../../../sdk/assembly/abi/map.ts";
import { listOf, Message, opens } from "../../../host/chain/message.ts";

function exchange() {
  const [request, response] = [new Message(), new Message()];
  request.headers = [":method", "GET", "x-a", "1"];
  response.headers = [":status", "200"];
  return { request, response };
}

describe("a message on its way through the filters", () => {
  it("keeps its headers as they came, from the first write on", () => {
    const { request, response } = exchange();
    expect(request.parsed).toBeNull();
    expect(opens(request, response, HTTP_REQUEST_HEADERS)).toBe(true);
    request.headers?.push("x-b", "2");
    opens(request, response, HTTP_REQUEST_HEADERS);
    expect(request.parsed).toEqual([":method", "GET", "x-a", "1"]);
    expect(response.parsed).toBeNull();
  });

  it("cannot be written when its headers have left", () => {
    const { request, response } = exchange();
    response.forwarded = true;
    expect(opens(request, response, HTTP_RESPONSE_HEADERS)).toBe(false);
    expect(response.parsed).toBeNull();
    expect(listOf(request, response, HTTP_RESPONSE_HEADERS)).toEqual([":status", "200"]);
  });

  it("has trailers to write only when there are some, or some may be added", () => {
    const { request, response } = exchange();
    expect(opens(request, response, HTTP_RESPONSE_TRAILERS)).toBe(false);
    response.ending = true;
    expect(opens(request, response, HTTP_RESPONSE_TRAILERS)).toBe(true);
    expect(response.trailersAdded()).toBe(false);
    expect(listOf(request, response, HTTP_RESPONSE_TRAILERS)).toBeNull();
  });
});
